#pragma once
// The attention kernels' common part, for files that are compiled for one instruction set each. It is
// included by those alone and uses nothing of the standard library: an inline function of it, compiled with
// AVX-512 and picked by the linker, would end the process on a CPU without.
#include "embed/attention_kernel.hpp"

namespace catwalk::embed {

constexpr float log2_e = 1.44269504088896341F;

/// fp32 attention in vectors of `simd::lanes` floats. `simd` has: vec, lanes, rows (queries in a block),
/// columns (vectors in a block), load, store, set1, fma, mul, max, exp2 (of values <= 0), sum, largest,
/// and transpose(from, stride, rows, to, to_stride): lanes x lanes floats, rows beyond `rows` as zeros.
template <class simd>
struct attention_block {
  using vec = typename simd::vec;

  /// scores[row][column] = q[row] . k[column] for `R` queries and `C` vectors of keys.
  template <int R, int C>
  static void score(const float* q, std::ptrdiff_t q_stride, const float* kt, int padded, float* scores) {
    vec sum[R][C];
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) sum[r][c] = simd::set1(0);
    for (int d = 0; d < attention_depth; ++d) {
      vec k[C];
      for (int c = 0; c < C; ++c) k[c] = simd::load(kt + d * padded + c * simd::lanes);
      for (int r = 0; r < R; ++r) {
        const vec one = simd::set1(q[r * q_stride + d]);
        for (int c = 0; c < C; ++c) sum[r][c] = simd::fma(one, k[c], sum[r][c]);
      }
    }
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) simd::store(scores + r * padded + c * simd::lanes, sum[r][c]);
  }

  template <int R>
  static void score_row(const float* q, std::ptrdiff_t q_stride, const float* kt, int padded, float* scores) {
    int c = 0;
    for (; c + simd::columns * simd::lanes <= padded; c += simd::columns * simd::lanes)
      score<R, simd::columns>(q, q_stride, kt + c, padded, scores + c);
    for (; c < padded; c += simd::lanes) score<R, 1>(q, q_stride, kt + c, padded, scores + c);
  }

  /// Softmax without the division: exp((s - max) / sqrt(depth)); returns the sum. Columns from `keys` on
  /// become 0.
  static float soften(float* scores, int keys, int padded) {
    for (int j = keys; j < padded; ++j) scores[j] = -1e30F;
    vec most = simd::load(scores);
    for (int j = simd::lanes; j < padded; j += simd::lanes) most = simd::max(most, simd::load(scores + j));
    const vec scale = simd::set1(log2_e / 8);
    const vec offset = simd::set1(-simd::largest(most) * (log2_e / 8));
    vec total = simd::set1(0);
    for (int j = 0; j < padded; j += simd::lanes) {
      const vec e = simd::exp2(simd::fma(simd::load(scores + j), scale, offset));
      simd::store(scores + j, e);
      total = simd::fma(e, simd::set1(1), total);
    }
    return simd::sum(total);
  }

  /// out[row] = scores[row] v / sum[row], `C` vectors of it from `v` and `out` on.
  template <int R, int C>
  static void weigh(const float* scores, int keys, int padded, const float* v, std::ptrdiff_t v_stride,
                    const float* sums, float* out, std::ptrdiff_t out_stride) {
    vec sum[R][C];
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) sum[r][c] = simd::set1(0);
    for (int j = 0; j < keys; ++j) {
      vec value[C];
      for (int c = 0; c < C; ++c) value[c] = simd::load(v + j * v_stride + c * simd::lanes);
      for (int r = 0; r < R; ++r) {
        const vec p = simd::set1(scores[r * padded + j]);
        for (int c = 0; c < C; ++c) sum[r][c] = simd::fma(p, value[c], sum[r][c]);
      }
    }
    for (int r = 0; r < R; ++r) {
      const vec inverse = simd::set1(1 / sums[r]);
      for (int c = 0; c < C; ++c)
        simd::store(out + r * out_stride + c * simd::lanes, simd::mul(sum[r][c], inverse));
    }
  }

  template <int R>
  static void rows(const attention_head<float>& head, int from, const float* kt, int padded, float* scores) {
    score_row<R>(head.q + from * head.q_stride, head.q_stride, kt, padded, scores);
    float sums[R];
    for (int r = 0; r < R; ++r) sums[r] = soften(scores + r * padded, head.keys, padded);
    for (int d = 0; d < attention_depth; d += simd::columns * simd::lanes)
      weigh<R, simd::columns>(scores, head.keys, padded, head.v + d, head.kv_stride, sums,
                              head.out + from * head.out_stride + d, head.out_stride);
  }

  static void attend(const attention_head<float>& head, float* scratch) {
    const int padded = (head.keys + 15) / 16 * 16;
    float* kt = scratch;
    float* scores = scratch + static_cast<std::ptrdiff_t>(attention_depth) * padded;
    for (int j = 0; j < padded; j += simd::lanes)
      for (int d = 0; d < attention_depth; d += simd::lanes)
        simd::transpose(head.k + j * head.kv_stride + d, head.kv_stride, head.keys - j, kt + d * padded + j,
                        padded);
    int i = 0;
    for (; i + simd::rows <= head.queries; i += simd::rows) rows<simd::rows>(head, i, kt, padded, scores);
    for (; i < head.queries; ++i) rows<1>(head, i, kt, padded, scores);
  }
};

}  // namespace catwalk::embed
