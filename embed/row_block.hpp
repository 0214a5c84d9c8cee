#pragma once
// The row kernels' common part, for files that are compiled for one instruction set each; as
// embed/attention_block.hpp it uses nothing of the standard library.
#include "embed/row_kernel.hpp"

namespace catwalk::embed {

/// The kernels of embed/row_kernel.hpp in vectors of `simd::lanes` floats. `simd` has: vec, lanes, load and
/// store (of T), set1, add, sub, mul, div, fma, min, max, exp2, sum, largest, smallest, and store_bytes(to,
/// values, zero), which rounds to nearest.
template <class simd, class T>
struct row_block {
  using vec = typename simd::vec;
  static constexpr int lanes = simd::lanes;

  static vec answer(const row_sums<T>& y, int i) {
    return simd::fma(simd::load(y.sums + i), simd::set1(y.scale), simd::load(y.bias + i));
  }

  /// The bytes of `to.scratch`, whose numbers lie between `lowest` and `highest`.
  static float to_bytes(vec lowest, vec highest, int width, const row_bytes& to) {
    const float above = simd::largest(highest) / static_cast<float>(255 - to.zero);
    const float below = -simd::smallest(lowest) / static_cast<float>(to.zero);
    const float scale = above > below ? above : below;
    if (!(scale > 1e-30F)) {  // nothing but zeros
      for (int i = 0; i < width; ++i) to.out[i] = static_cast<std::uint8_t>(to.zero);
      return 1;
    }
    const vec inverse = simd::set1(1 / scale);
    for (int i = 0; i < width; i += lanes)
      simd::store_bytes(to.out + i, simd::mul(simd::load(to.scratch + i), inverse), to.zero);
    return scale;
  }

  static void widen(const row_sums<T>& y, int width, T* out) {
    for (int i = 0; i < width; i += lanes) simd::store(out + i, answer(y, i));
  }

  static void add(T* x, const row_sums<T>& y, int width) {
    for (int i = 0; i < width; i += lanes) simd::store(x + i, simd::add(simd::load(x + i), answer(y, i)));
  }

  static float quantise(const T* x, int width, const row_bytes& to) {
    vec low = simd::load(x), high = low;
    for (int i = 0; i < width; i += lanes) {
      const vec v = simd::load(x + i);
      simd::store(to.scratch + i, v);
      low = simd::min(low, v);
      high = simd::max(high, v);
    }
    return to_bytes(low, high, width, to);
  }

  /// Of `to.scratch`, whose numbers add up to `total`.
  static float norm_scratch(vec total, const float* weight, const float* bias, float eps, int width,
                            const row_bytes& to) {
    const auto count = static_cast<float>(width);
    const vec mean = simd::set1(simd::sum(total) / count);
    vec squares = simd::set1(0);
    for (int i = 0; i < width; i += lanes) {
      const vec d = simd::sub(simd::load(to.scratch + i), mean);
      squares = simd::fma(d, d, squares);
    }
    const vec factor = simd::set1(1 / __builtin_sqrtf(simd::sum(squares) / count + eps));
    vec low = simd::set1(3e38F), high = simd::set1(-3e38F);
    for (int i = 0; i < width; i += lanes) {
      const vec d = simd::mul(simd::sub(simd::load(to.scratch + i), mean), factor);
      const vec v = simd::fma(d, simd::load(weight + i), simd::load(bias + i));
      simd::store(to.scratch + i, v);
      low = simd::min(low, v);
      high = simd::max(high, v);
    }
    return to_bytes(low, high, width, to);
  }

  static float norm(const T* x, const float* weight, const float* bias, float eps, int width,
                    const row_bytes& to) {
    vec total = simd::set1(0);
    for (int i = 0; i < width; i += lanes) {
      const vec v = simd::load(x + i);
      simd::store(to.scratch + i, v);
      total = simd::add(total, v);
    }
    return norm_scratch(total, weight, bias, eps, width, to);
  }

  static float add_norm(T* x, const row_sums<T>& y, const float* weight, const float* bias, float eps,
                        int width, const row_bytes& to) {
    vec total = simd::set1(0);
    for (int i = 0; i < width; i += lanes) {
      const vec v = simd::add(simd::load(x + i), answer(y, i));
      simd::store(x + i, v);
      simd::store(to.scratch + i, v);
      total = simd::add(total, v);
    }
    return norm_scratch(total, weight, bias, eps, width, to);
  }

  /// 1 / (1 + 2^-x).
  static vec logistic2(vec x) {
    const vec one = simd::set1(1);
    const vec power = simd::exp2(simd::min(simd::sub(simd::set1(0), x), simd::set1(126)));
    return simd::div(one, simd::add(one, power));
  }

  static vec quick_gelu(vec x) {
    constexpr float log2_e = 1.44269504088896341F;
    return simd::mul(x, logistic2(simd::mul(x, simd::set1(static_cast<float>(quick_gelu_slope) * log2_e))));
  }

  /// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), with tanh by the logistic function.
  static vec gelu_tanh(vec x) {
    constexpr float slope = 2 * 0.79788456080286536F * 1.44269504088896341F;
    const vec cube = simd::mul(simd::mul(x, x), simd::mul(x, simd::set1(0.044715F)));
    return simd::mul(x, logistic2(simd::mul(simd::add(x, cube), simd::set1(slope))));
  }

  /// x Phi(x), the error function by Abramowitz and Stegun 7.1.26 (off by 1.5e-7 at most):
  /// max(x, 0) - |x| q with q = Phi(-|x|).
  static vec gelu(vec x) {
    const vec zero = simd::set1(0);
    const vec size = simd::max(x, simd::sub(zero, x));
    const vec y = simd::mul(size, simd::set1(0.70710678118654752F));
    const vec t = simd::div(simd::set1(1), simd::fma(y, simd::set1(0.3275911F), simd::set1(1)));
    vec p = simd::set1(1.061405429F);
    p = simd::fma(p, t, simd::set1(-1.453152027F));
    p = simd::fma(p, t, simd::set1(1.421413741F));
    p = simd::fma(p, t, simd::set1(-0.284496736F));
    p = simd::fma(p, t, simd::set1(0.254829592F));
    const vec e = simd::exp2(
        simd::max(simd::mul(simd::mul(y, y), simd::set1(-1.44269504088896341F)), simd::set1(-126)));
    const vec q = simd::mul(simd::mul(p, t), simd::mul(e, simd::set1(0.5F)));
    return simd::sub(simd::max(x, zero), simd::mul(size, q));
  }

  template <activation act>
  static vec activated(vec x) {
    if constexpr (act == activation::quick_gelu) return quick_gelu(x);
    if constexpr (act == activation::gelu_tanh) return gelu_tanh(x);
    return gelu(x);
  }

  template <activation act>
  static float activated(const row_sums<T>& y, const float* factor, const float* offset, int width,
                         const row_bytes& to) {
    vec low = simd::set1(3e38F), high = simd::set1(-3e38F);
    for (int i = 0; i < width; i += lanes) {
      const vec v = simd::fma(activated<act>(answer(y, i)), simd::load(factor + i), simd::load(offset + i));
      simd::store(to.scratch + i, v);
      low = simd::min(low, v);
      high = simd::max(high, v);
    }
    return to_bytes(low, high, width, to);
  }

  static float activate(const row_sums<T>& y, activation act, const float* factor, const float* offset,
                        int width, const row_bytes& to) {
    switch (act) {
      case activation::quick_gelu:
        return activated<activation::quick_gelu>(y, factor, offset, width, to);
      case activation::gelu_tanh:
        return activated<activation::gelu_tanh>(y, factor, offset, width, to);
      case activation::gelu:
        break;
    }
    return activated<activation::gelu>(y, factor, offset, width, to);
  }

  template <activation act>
  static void bent(T* x, const float* bias, int width) {
    for (int i = 0; i < width; i += lanes)
      simd::store(x + i, activated<act>(simd::add(simd::load(x + i), simd::load(bias + i))));
  }

  static void bend(T* x, const float* bias, activation act, int width) {
    switch (act) {
      case activation::quick_gelu:
        return bent<activation::quick_gelu>(x, bias, width);
      case activation::gelu_tanh:
        return bent<activation::gelu_tanh>(x, bias, width);
      case activation::gelu:
        break;
    }
    bent<activation::gelu>(x, bias, width);
  }

  static constexpr row_kernels<T> table{widen, add, quantise, norm, add_norm, activate, bend};
};

}  // namespace catwalk::embed
