#include "embed/seeded_weights.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <string>

namespace catwalk::embed {
namespace {

/// SplitMix64's output function (Steele, Lea, Flood 2014, https://prng.di.unimi.it/splitmix64.c).
std::uint64_t mix(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

/// The sum of four 16-bit uniform numbers, which is near enough to normal and needs no logarithm (whose last
/// bit differs between C libraries); its variance is 4 (2^32 - 1) / 12.
at::Tensor normal(const std::vector<std::int64_t>& shape, double deviation, std::uint64_t key) {
  auto out = at::empty(shape, at::kFloat);
  const auto scale = static_cast<float>(deviation / std::sqrt(4.0 * 4294967295.0 / 12.0));
  auto* values = out.data_ptr<float>();
  for (std::int64_t i = 0; i < out.numel(); ++i) {
    const auto bits = mix(key + static_cast<std::uint64_t>(i));
    const auto sum =
        static_cast<int>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
    values[i] = static_cast<float>(sum - 2 * 0xffff) * scale;
  }
  return out.to(at::kHalf);
}

}  // namespace

vision_weights seeded_weights(const vision_tower& tower, std::uint64_t seed) {
  vision_weights weights{tower, {}};
  std::uint64_t index = 0;
  for (const auto& [name, shape] : tower.shapes()) {
    const auto key = mix(mix(seed) + ++index);
    const bool norm = name.find("norm") != std::string::npos;
    const bool bias = name.ends_with(".bias");
    if (norm)
      weights.tensors[name] = bias ? at::zeros(shape, at::kHalf) : at::ones(shape, at::kHalf);
    else
      weights.tensors[name] = normal(shape, bias ? 0.02 : 0.05, key);
  }
  return weights;
}

}  // namespace catwalk::embed
