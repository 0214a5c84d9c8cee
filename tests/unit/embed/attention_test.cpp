#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "embed/attention_kernel.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk::embed;

namespace {

/// Queries, keys and values of one head, side by side as a linear layer writes them.
constexpr int row = 3 * attention_depth;

std::vector<float> random_rows(int tokens, float spread) {
  std::mt19937 random(static_cast<unsigned>(tokens));
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> rows(static_cast<std::size_t>(tokens) * row);
  for (auto& x : rows) x = normal(random);
  return rows;
}

std::uint16_t to_bf16(float x) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float from_bf16(std::uint16_t x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x) << 16;
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// softmax(q k^T / 8) v by the definition, in fp64.
std::vector<double> reference(const std::vector<float>& rows, int queries, int keys) {
  const auto at = [&](int i, int d) {
    return static_cast<double>(rows[static_cast<std::size_t>(i * row + d)]);
  };
  std::vector<double> out;
  for (int i = 0; i < queries; ++i) {
    std::vector<double> weight(static_cast<std::size_t>(keys));
    double total = 0;
    for (int j = 0; j < keys; ++j) {
      double score = 0;
      for (int d = 0; d < attention_depth; ++d) score += at(i, d) * at(j, attention_depth + d);
      total += weight[static_cast<std::size_t>(j)] = std::exp(score / 8);
    }
    for (int d = 0; d < attention_depth; ++d) {
      double sum = 0;
      for (int j = 0; j < keys; ++j)
        sum += weight[static_cast<std::size_t>(j)] * at(j, 2 * attention_depth + d);
      out.push_back(sum / total);
    }
  }
  return out;
}

/// The largest difference from the reference.
template <class T, class Widen>
double error_of(attention_kernel<T> kernel, const std::vector<T>& rows, const std::vector<double>& expected,
                int queries, int keys, Widen widen) {
  const auto bytes = (attention_scratch(keys) * sizeof(float) + 63) / 64 * 64;
  const std::unique_ptr<float, decltype(&std::free)> scratch(
      static_cast<float*>(std::aligned_alloc(64, bytes)), &std::free);
  // What scratch holds beforehand must not matter.
  std::memset(scratch.get(), 0xff, bytes);
  std::vector<T> out(static_cast<std::size_t>(queries) * attention_depth);
  const T* q = rows.data();
  kernel(
      {q, row, q + attention_depth, q + 2 * attention_depth, row, out.data(), attention_depth, queries, keys},
      scratch.get());
  double worst = 0;
  for (std::size_t i = 0; i < out.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(widen(out[i])) - expected[i]));
  return worst;
}

}  // namespace

#if defined(__x86_64__)
TEST_CASE("attention by every kernel of this CPU is the definition's") {
  const auto same = [](float x) { return x; };
  // A tower's own lengths (50, 197, 257), and those around what the kernels take at once.
  for (const int keys : {1, 2, 3, 15, 16, 17, 49, 50, 64, 65, 197, 257}) {
    for (const int queries : {keys, 1, std::min(keys, 4)}) {
      INFO(queries << " queries, " << keys << " keys");
      const auto rows = random_rows(keys, 1.5F);
      const auto expected = reference(rows, queries, keys);
      if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        CHECK(error_of<float>(attend_avx2, rows, expected, queries, keys, same) < 1e-5);
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        CHECK(error_of<float>(attend_avx512, rows, expected, queries, keys, same) < 1e-5);
      if (!__builtin_cpu_supports("avx512bf16")) continue;
      std::vector<std::uint16_t> narrow;
      for (const float x : rows) narrow.push_back(to_bf16(x));
      std::vector<float> rounded;
      for (const auto x : narrow) rounded.push_back(from_bf16(x));
      // Weights and answer have 8 bits each.
      CHECK(error_of<std::uint16_t>(attend_avx512_bf16, narrow, reference(rounded, queries, keys), queries,
                                    keys, from_bf16) < 0.02);
    }
  }
}

TEST_CASE("one key far above the others takes all the weight, without overflow") {
  auto rows = random_rows(50, 1);
  for (int d = 0; d < attention_depth; ++d) {
    for (int i = 0; i < 50; ++i) rows[static_cast<std::size_t>(i * row + d)] = 40;
    rows[static_cast<std::size_t>(7 * row + attention_depth + d)] = 40;
  }
  const float* v = rows.data() + 7 * row + 2 * attention_depth;
  std::vector<double> expected;
  for (int i = 0; i < 50; ++i) expected.insert(expected.end(), v, v + attention_depth);
  const auto same = [](float x) { return x; };
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    CHECK(error_of<float>(attend_avx2, rows, expected, 50, 50, same) < 1e-6);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
    CHECK(error_of<float>(attend_avx512, rows, expected, 50, 50, same) < 1e-6);
}
#endif
