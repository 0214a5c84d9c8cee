#pragma once
// For files that are compiled for AVX-512 alone: everything here has internal linkage, and nothing of the
// standard library is used (see embed/attention_block.hpp).
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace catwalk::embed {
namespace {

/// Transposes 16 x 16 dwords, in registers: unpacking by 32 and 64 bits, then whole lanes of 128.
inline void transpose16(__m512i row[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    row[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    row[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    row[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    row[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    const __m512i a = _mm512_shuffle_i32x4(row[i], row[i + 4], 0x88);
    const __m512i b = _mm512_shuffle_i32x4(row[i], row[i + 4], 0xdd);
    const __m512i c = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0x88);
    const __m512i d = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0xdd);
    t[i] = _mm512_shuffle_i32x4(a, c, 0x88);
    t[i + 8] = _mm512_shuffle_i32x4(a, c, 0xdd);
    t[i + 4] = _mm512_shuffle_i32x4(b, d, 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(b, d, 0xdd);
  }
  for (int i = 0; i < 16; ++i) row[i] = t[i];
}

/// `rows` of 16 dwords `stride` bytes apart become columns of `to`, `to_stride` floats apart.
inline void transpose_dwords(const char* from, std::ptrdiff_t stride, int rows, float* to,
                             std::ptrdiff_t to_stride) {
  __m512i row[16];
  for (int i = 0; i < 16; ++i)
    row[i] = i < rows ? _mm512_loadu_si512(from + i * stride) : _mm512_setzero_si512();
  transpose16(row);
  for (int i = 0; i < 16; ++i) _mm512_store_si512(to + i * to_stride, row[i]);
}

struct avx512 {
  using vec = __m512;
  static constexpr int lanes = 16, rows = 5, columns = 4;

  static vec load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, vec v) { _mm512_storeu_ps(p, v); }
  static vec set1(float x) { return _mm512_set1_ps(x); }
  static vec fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
  static vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
  static vec max(vec a, vec b) { return _mm512_max_ps(a, b); }
  static vec min(vec a, vec b) { return _mm512_min_ps(a, b); }
  static vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
  static vec sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
  static vec div(vec a, vec b) { return _mm512_div_ps(a, b); }
  static float sum(vec v) { return _mm512_reduce_add_ps(v); }
  static float largest(vec v) { return _mm512_reduce_max_ps(v); }
  static float smallest(vec v) { return _mm512_reduce_min_ps(v); }

  /// bfloat16's bits.
  static vec load(const std::uint16_t* p) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
  }
  static void store(std::uint16_t* p, vec v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
  }
  /// The nearest whole numbers plus `zero`, kept within 0 to 255.
  static void store_bytes(std::uint8_t* p, vec v, int zero) {
    const __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(v), _mm512_set1_epi32(zero));
    const __m512i positive = _mm512_max_epi32(whole, _mm512_setzero_si512());
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtusepi32_epi8(positive));
  }

  /// 2^x for x <= 127, within 2 ulp: 2^round(x) times a polynomial of the rest (Taylor's of e^(r ln 2), of
  /// degree 6 on [-0.5, 0.5]).
  static vec exp2(vec x) {
    const vec n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const vec r = _mm512_mul_ps(_mm512_sub_ps(x, n), set1(0.6931471805599453F));
    vec p = set1(1.0F / 720);
    p = fma(p, r, set1(1.0F / 120));
    p = fma(p, r, set1(1.0F / 24));
    p = fma(p, r, set1(1.0F / 6));
    p = fma(p, r, set1(0.5F));
    p = fma(p, r, set1(1));
    p = fma(p, r, set1(1));
    return _mm512_scalef_ps(p, n);
  }

  static void transpose(const float* from, std::ptrdiff_t stride, int count, float* to,
                        std::ptrdiff_t to_stride) {
    transpose_dwords(reinterpret_cast<const char*>(from), stride * static_cast<std::ptrdiff_t>(sizeof(float)),
                     count, to, to_stride);
  }
};

}  // namespace
}  // namespace catwalk::embed
