#pragma once
// For files that are compiled for AVX2 alone: everything here has internal linkage, and nothing of the
// standard library is used (see embed/attention_block.hpp).
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace catwalk::embed {
namespace {

struct avx2 {
  using vec = __m256;
  static constexpr int lanes = 8, rows = 5, columns = 2;

  static vec load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, vec v) { _mm256_storeu_ps(p, v); }
  static vec set1(float x) { return _mm256_set1_ps(x); }
  static vec fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
  static vec mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
  static vec max(vec a, vec b) { return _mm256_max_ps(a, b); }
  static vec min(vec a, vec b) { return _mm256_min_ps(a, b); }
  static vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
  static vec sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
  static vec div(vec a, vec b) { return _mm256_div_ps(a, b); }

  static float sum(vec v) {
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
  }
  static float largest(vec v) {
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
  }

  static float smallest(vec v) { return -largest(sub(_mm256_setzero_ps(), v)); }

  /// The nearest whole numbers plus `zero`, kept within 0 to 255.
  static void store_bytes(std::uint8_t* p, vec v, int zero) {
    const __m256i whole = _mm256_add_epi32(_mm256_cvtps_epi32(v), _mm256_set1_epi32(zero));
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
  }

  /// As avx512::exp2; below 2^-126 the answer is 0.
  static vec exp2(vec x) {
    x = _mm256_max_ps(x, set1(-127));
    const vec n = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const vec r = _mm256_mul_ps(_mm256_sub_ps(x, n), set1(0.6931471805599453F));
    vec p = set1(1.0F / 720);
    p = fma(p, r, set1(1.0F / 120));
    p = fma(p, r, set1(1.0F / 24));
    p = fma(p, r, set1(1.0F / 6));
    p = fma(p, r, set1(0.5F));
    p = fma(p, r, set1(1));
    p = fma(p, r, set1(1));
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
  }

  static void transpose(const float* from, std::ptrdiff_t stride, int count, float* to,
                        std::ptrdiff_t to_stride) {
    __m256 row[8], t[8];
    for (int i = 0; i < 8; ++i) row[i] = i < count ? _mm256_loadu_ps(from + i * stride) : _mm256_setzero_ps();
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
      t[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      row[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
      row[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
      row[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
      row[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; ++i) {
      _mm256_storeu_ps(to + i * to_stride, _mm256_permute2f128_ps(row[i], row[i + 4], 0x20));
      _mm256_storeu_ps(to + (i + 4) * to_stride, _mm256_permute2f128_ps(row[i], row[i + 4], 0x31));
    }
  }
};

}  // namespace
}  // namespace catwalk::embed
