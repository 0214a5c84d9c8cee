#pragma once
#include <cstdint>

#include "embed/tower_weights.hpp"

namespace catwalk::embed {

/// Untrained weights for `tower`: matrices and embeddings around 0 with a standard deviation of 0.05, biases
/// with 0.02, layer norms the identity. They depend on the seed alone: the generator counts (SplitMix64 of
/// seed, tensor and element) and uses integers until the last, exactly rounded step, so that every machine
/// makes the same ones. fp16.
vision_weights seeded_weights(const vision_tower& tower, std::uint64_t seed);

}  // namespace catwalk::embed
