#include "embed/row_kernel.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "embed/row_block.hpp"

namespace catwalk::embed {
namespace {

/// A vector of one number, for CPUs that have no kernels of their own.
struct scalar {
  using vec = float;
  static constexpr int lanes = 1;

  static vec load(const float* p) { return *p; }
  static vec load(const std::uint16_t* p) { return std::bit_cast<float>(std::uint32_t{*p} << 16); }
  static void store(float* p, vec v) { *p = v; }
  /// To the nearest bfloat16, to even where two are.
  static void store(std::uint16_t* p, vec v) {
    const auto bits = std::bit_cast<std::uint32_t>(v);
    *p = static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
  static void store_bytes(std::uint8_t* p, vec v, int zero) {
    *p = static_cast<std::uint8_t>(std::clamp(static_cast<int>(std::nearbyint(v)) + zero, 0, 255));
  }
  static vec set1(float x) { return x; }
  static vec add(vec a, vec b) { return a + b; }
  static vec sub(vec a, vec b) { return a - b; }
  static vec mul(vec a, vec b) { return a * b; }
  static vec div(vec a, vec b) { return a / b; }
  static vec fma(vec a, vec b, vec c) { return a * b + c; }
  static vec min(vec a, vec b) { return std::min(a, b); }
  static vec max(vec a, vec b) { return std::max(a, b); }
  static vec exp2(vec x) { return std::exp2(x); }
  static float sum(vec v) { return v; }
  static float largest(vec v) { return v; }
  static float smallest(vec v) { return v; }
};

}  // namespace

const row_kernels<float>& portable_row_kernels() {
  return row_block<scalar, float>::table;
}
const row_kernels<std::uint16_t>& portable_row_kernels_bf16() {
  return row_block<scalar, std::uint16_t>::table;
}

}  // namespace catwalk::embed
