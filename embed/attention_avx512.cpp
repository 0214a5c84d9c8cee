#include "embed/attention_block.hpp"
#include "embed/simd_avx512.hpp"

namespace catwalk::embed {

void attend_avx512(const attention_head<float>& head, float* scratch) {
  attention_block<avx512>::attend(head, scratch);
}

namespace {

/// bfloat16 attention: products of pairs, summed in fp32 (VDPBF16PS); scores and softmax in fp32. Keys are
/// repacked to [pair of 32][padded keys], values to [pair of keys][64], a pair in a dword each.
struct bf16_attention {
  using block = attention_block<avx512>;
  static constexpr int pairs = attention_depth / 2;
  static constexpr int rows = avx512::rows, columns = avx512::columns;

  static std::uint32_t pair_at(const std::uint16_t* p) {
    std::uint32_t two;
    __builtin_memcpy(&two, p, sizeof two);
    return two;
  }
  static __m512bh spread(std::uint32_t pair) {
    return reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(pair)));
  }
  static __m512bh load(const float* p) { return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p)); }

  static void pack_values(const attention_head<std::uint16_t>& head, float* packed) {
    // Words 0, 32, 1, 33 … and 16, 48, 17, 49 … of two rows of 32.
    alignas(64) std::uint16_t low[32], high[32];
    for (std::uint16_t i = 0; i < 16; ++i) {
      low[2 * i] = i, low[2 * i + 1] = static_cast<std::uint16_t>(i + 32);
      high[2 * i] = static_cast<std::uint16_t>(i + 16), high[2 * i + 1] = static_cast<std::uint16_t>(i + 48);
    }
    const __m512i first = _mm512_load_si512(low), second = _mm512_load_si512(high);
    for (int j = 0; j < head.keys; j += 2, packed += attention_depth) {
      const std::uint16_t* row = head.v + j * head.kv_stride;
      for (int half = 0; half < 2; ++half) {
        const __m512i a = _mm512_loadu_si512(row + 32 * half);
        const __m512i b =
            j + 1 < head.keys ? _mm512_loadu_si512(row + head.kv_stride + 32 * half) : _mm512_setzero_si512();
        _mm512_store_si512(packed + 32 * half, _mm512_permutex2var_epi16(a, first, b));
        _mm512_store_si512(packed + 32 * half + 16, _mm512_permutex2var_epi16(a, second, b));
      }
    }
  }

  template <int R, int C>
  static void score(const std::uint16_t* q, std::ptrdiff_t q_stride, const float* kt, int padded,
                    float* scores) {
    __m512 sum[R][C];
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) sum[r][c] = _mm512_setzero_ps();
    for (int p = 0; p < pairs; ++p) {
      __m512bh k[C];
      for (int c = 0; c < C; ++c) k[c] = load(kt + p * padded + 16 * c);
      for (int r = 0; r < R; ++r) {
        const __m512bh one = spread(pair_at(q + r * q_stride + 2 * p));
        for (int c = 0; c < C; ++c) sum[r][c] = _mm512_dpbf16_ps(sum[r][c], one, k[c]);
      }
    }
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) _mm512_storeu_ps(scores + r * padded + 16 * c, sum[r][c]);
  }

  template <int R>
  static void attend_rows(const attention_head<std::uint16_t>& head, int from, const float* kt,
                          const float* values, int padded, float* scores) {
    const std::uint16_t* q = head.q + from * head.q_stride;
    int c = 0;
    for (; c + 16 * columns <= padded; c += 16 * columns)
      score<R, columns>(q, head.q_stride, kt + c, padded, scores + c);
    for (; c < padded; c += 16) score<R, 1>(q, head.q_stride, kt + c, padded, scores + c);
    float inverse[R];
    for (int r = 0; r < R; ++r) {
      float* row = scores + r * padded;
      inverse[r] = 1 / block::soften(row, head.keys, padded);
      // The weights as bfloat16, in place: 16 numbers shrink into the first half of where they were.
      auto* narrow = reinterpret_cast<std::uint16_t*>(row);
      for (int j = 0; j < padded; j += 16)
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(narrow + j),
                            reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_loadu_ps(row + j))));
    }
    __m512 sum[R][4];
    for (int r = 0; r < R; ++r)
      for (int d = 0; d < 4; ++d) sum[r][d] = _mm512_setzero_ps();
    for (int p = 0; 2 * p < head.keys; ++p) {
      __m512bh value[4];
      for (int d = 0; d < 4; ++d) value[d] = load(values + p * attention_depth + 16 * d);
      for (int r = 0; r < R; ++r) {
        const auto* weights = reinterpret_cast<const std::uint16_t*>(scores + r * padded);
        const __m512bh one = spread(pair_at(weights + 2 * p));
        for (int d = 0; d < 4; ++d) sum[r][d] = _mm512_dpbf16_ps(sum[r][d], one, value[d]);
      }
    }
    for (int r = 0; r < R; ++r) {
      const __m512 scale = _mm512_set1_ps(inverse[r]);
      std::uint16_t* out = head.out + (from + r) * head.out_stride;
      for (int d = 0; d < 4; d += 2)
        _mm512_storeu_si512(out + 16 * d,
                            reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(_mm512_mul_ps(sum[r][d + 1], scale),
                                                                          _mm512_mul_ps(sum[r][d], scale))));
    }
  }
};

}  // namespace

void attend_avx512_bf16(const attention_head<std::uint16_t>& head, float* scratch) {
  using a = bf16_attention;
  const int padded = (head.keys + 15) / 16 * 16;
  float* kt = scratch;
  float* values = kt + static_cast<std::ptrdiff_t>(a::pairs) * padded;
  float* scores = values + static_cast<std::ptrdiff_t>(a::pairs) * padded;
  for (int j = 0; j < padded; j += 16)
    for (int p = 0; p < a::pairs; p += 16)
      transpose_dwords(reinterpret_cast<const char*>(head.k + j * head.kv_stride + 2 * p),
                       head.kv_stride * static_cast<std::ptrdiff_t>(sizeof(std::uint16_t)), head.keys - j,
                       kt + p * padded + j, padded);
  a::pack_values(head, values);
  int i = 0;
  for (; i + a::rows <= head.queries; i += a::rows)
    a::attend_rows<a::rows>(head, i, kt, values, padded, scores);
  for (; i < head.queries; ++i) a::attend_rows<1>(head, i, kt, values, padded, scores);
}

}  // namespace catwalk::embed
