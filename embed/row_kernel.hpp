#pragma once
#include <cstdint>

#include "embed/activation.hpp"

namespace catwalk::embed {

/// Where a row of numbers goes as bytes: a byte b stands for (b - zero) * scale, with a scale for each row
/// that the kernels choose so that none of its numbers is cut off. `zero` is 1 to 254. `scratch` holds a
/// float for each of the row's numbers; what is in it does not matter.
struct row_bytes {
  std::uint8_t* out;
  int zero;
  float* scratch;
};

/// What an int8 layer gave for one row, in units of its input's scale: the layer's answer is
/// sums * scale + bias.
template <class T>
struct row_sums {
  const T* sums;
  float scale;
  const float* bias;
};

/// What stands between the linear layers of a transformer, a row at a time. Rows hold `width` numbers, a
/// multiple of 16; `T` is float, or std::uint16_t for bfloat16's bits. Those that write bytes return the
/// row's scale.
template <class T>
struct row_kernels {
  /// out = the layer's answer.
  void (*widen)(const row_sums<T>& y, int width, T* out);
  /// x += the layer's answer.
  void (*add)(T* x, const row_sums<T>& y, int width);
  /// The bytes of x as it is.
  float (*quantise)(const T* x, int width, const row_bytes& to);
  /// The bytes of (x - mean) / sqrt(variance + eps) * weight + bias.
  float (*norm)(const T* x, const float* weight, const float* bias, float eps, int width,
                const row_bytes& to);
  /// As `norm`, of x += the layer's answer.
  float (*add_norm)(T* x, const row_sums<T>& y, const float* weight, const float* bias, float eps, int width,
                    const row_bytes& to);
  /// The bytes of act(the layer's answer) * factor + offset, both by column.
  float (*activate)(const row_sums<T>& y, activation act, const float* factor, const float* offset, int width,
                    const row_bytes& to);
  /// x = act(x + bias).
  void (*bend)(T* x, const float* bias, activation act, int width);
};

/// One table per instruction set; the portable ones are for every CPU, the others end the process on a CPU
/// without theirs. bfloat16 is for AVX-512 with BF16, or portable.
const row_kernels<float>& portable_row_kernels();
const row_kernels<std::uint16_t>& portable_row_kernels_bf16();
const row_kernels<float>& avx2_row_kernels();
const row_kernels<float>& avx512_row_kernels();
const row_kernels<std::uint16_t>& avx512_row_kernels_bf16();

/// The table for this CPU as ATEN_CPU_CAPABILITY permits.
template <class T>
const row_kernels<T>& choose_row_kernels();
template <>
const row_kernels<float>& choose_row_kernels();
template <>
const row_kernels<std::uint16_t>& choose_row_kernels();

}  // namespace catwalk::embed
