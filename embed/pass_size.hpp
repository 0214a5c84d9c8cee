#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace catwalk::embed {

/// How many of `waiting` items go through a tower together on a CPU, at most `most`, both at least 1: a power
/// of two. For each size that it meets oneDNN compiles kernels of its own and keeps them, some 10 MB for a
/// ViT-B/32: batches of whatever size comes would fill hundreds of MB over time.
constexpr std::int64_t pass_size(std::int64_t waiting, std::int64_t most) {
  return static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(std::min(waiting, most))));
}

/// The length that a text of `tokens`, at most `context`, is padded to: one of few, for the same reason.
constexpr std::size_t padded_length(std::size_t tokens, std::size_t context) {
  constexpr std::size_t step = 16;
  return std::min((tokens + step - 1) / step * step, context);
}

}  // namespace catwalk::embed
