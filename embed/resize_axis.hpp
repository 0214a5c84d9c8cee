#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "embed/preprocess.hpp"

namespace catwalk::embed {

/// Bits behind the point of a weight, as in Pillow's Resample.c: 32 less 8 of a pixel less 2 for sums
/// beyond 1.
inline constexpr int resize_precision_bits = 32 - 8 - 2;
/// What a sum of weighted pixels begins with, so that it is rounded.
inline constexpr int resize_half = 1 << (resize_precision_bits - 1);

/// The pixel that a sum of weighted ones stands for.
inline std::uint8_t resized_pixel(int sum) noexcept {
  return static_cast<std::uint8_t>(std::clamp(sum >> resize_precision_bits, 0, 255));
}

/// The part of one axis that the square needs: for each of its `outputs` pixels the inputs it is made of.
struct resize_axis {
  std::vector<int> first;    ///< per output: its first input pixel
  std::vector<int> count;    ///< per output: how many inputs
  std::vector<int> weights;  ///< per output `taps` fixed-point weights, zero behind `count`
  int taps = 0;

  int begin() const noexcept { return first.front(); }
  int end() const noexcept { return first.back() + count.back(); }
  const int* weights_of(int output) const noexcept {
    return weights.data() + static_cast<std::size_t>(output) * static_cast<std::size_t>(taps);
  }
};

/// Weights for outputs `offset` to `offset + outputs` of resizing `in` pixels to `out`, by Pillow's
/// `precompute_coeffs` and `normalize_coeffs_8bpc` (src/libImaging/Resample.c).
/// `extent` of the `in` pixels is the picture (Pillow's `box`), all of them but where it was scaled down.
resize_axis make_resize_axis(int in, double extent, std::int64_t out, std::int64_t offset, int outputs,
                             interpolation filter);

}  // namespace catwalk::embed
