#include "embed/row_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

using namespace catwalk::embed;

namespace {

std::vector<float> random_row(int width, float spread, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> row(static_cast<std::size_t>(width));
  for (auto& x : row) x = normal(random);
  return row;
}

std::uint16_t narrow(float x) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
float widen(float x) {
  return x;
}
float widen(std::uint16_t x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x) << 16;
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <class T>
std::vector<T> as(const std::vector<float>& row) {
  std::vector<T> out;
  out.reserve(row.size());
  for (const float x : row) {
    if constexpr (std::is_same_v<T, float>)
      out.push_back(x);
    else
      out.push_back(narrow(x));
  }
  return out;
}

template <class T>
using table = std::pair<std::string, const row_kernels<T>*>;

std::vector<table<float>> tables(float) {
  std::vector<table<float>> all{{"portable", &portable_row_kernels()}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    all.emplace_back("AVX2", &avx2_row_kernels());
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    all.emplace_back("AVX-512", &avx512_row_kernels());
#endif
  return all;
}
std::vector<table<std::uint16_t>> tables(std::uint16_t) {
  std::vector<table<std::uint16_t>> all{{"portable", &portable_row_kernels_bf16()}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) all.emplace_back("AVX-512", &avx512_row_kernels_bf16());
#endif
  return all;
}

/// Where a kernel writes, with its scratch full of what must not matter.
struct target {
  explicit target(int width, int at) : bytes(static_cast<std::size_t>(width), 77), zero(at) {
    scratch.assign(static_cast<std::size_t>(width), NAN);
  }
  row_bytes to() { return {bytes.data(), zero, scratch.data()}; }

  std::vector<std::uint8_t> bytes;
  int zero;
  std::vector<float> scratch;
};

/// Every byte stands for the expected number to half a step and the kernels' own error, and the row's reach
/// decides the step.
void check_bytes(const target& made, float scale, const std::vector<double>& expected) {
  const double high = std::max(0.0, *std::max_element(expected.begin(), expected.end()));
  const double low = std::min(0.0, *std::min_element(expected.begin(), expected.end()));
  const double step = std::max(high / (255 - made.zero), -low / made.zero);
  CHECK(std::abs(scale - step) < 1e-4 * step);
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    worst = std::max(worst, std::abs((made.bytes[i] - made.zero) * static_cast<double>(scale) - expected[i]));
  CHECK(worst < 0.51 * step);
}

/// Layer norm by the definition.
std::vector<double> normed(const std::vector<double>& x, const std::vector<float>& weight,
                           const std::vector<float>& bias, double eps) {
  double mean = 0, variance = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  std::vector<double> out;
  for (std::size_t i = 0; i < x.size(); ++i)
    out.push_back((x[i] - mean) / std::sqrt(variance + eps) * static_cast<double>(weight[i]) +
                  static_cast<double>(bias[i]));
  return out;
}

double activated(double x, activation act) {
  if (act == activation::quick_gelu) return x / (1 + std::exp(-1.702 * x));
  if (act == activation::gelu) return 0.5 * x * std::erfc(-x * std::sqrt(0.5));
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

template <class T>
void check_tables() {
  // Numbers that bfloat16 rounds are given to the definition as they are rounded.
  for (const auto& [name, kernels] : tables(T{})) {
    for (const int width : {16, 48, 768, 3072}) {
      for (const int zero : {1, 30, 128, 254}) {
        INFO(name << ", " << width << " numbers, zero at " << zero);
        const auto seed = static_cast<unsigned>(width + zero);
        const auto x = as<T>(random_row(width, 3, seed)), sums = as<T>(random_row(width, 40, seed + 1));
        const auto weight = random_row(width, 1, seed + 2), bias = random_row(width, 0.5F, seed + 3);
        const auto offset = random_row(width, 0.1F, seed + 4);
        const row_sums<T> y{sums.data(), 0.05F, bias.data()};
        std::vector<double> plain, answer, added;
        for (std::size_t i = 0; i < x.size(); ++i) {
          plain.push_back(widen(x[i]));
          answer.push_back(0.05 * static_cast<double>(widen(sums[i])) + static_cast<double>(bias[i]));
          added.push_back(plain[i] + answer[i]);
        }

        target made(width, zero);
        check_bytes(made, kernels->quantise(x.data(), width, (made.to())), plain);
        target of_norm(width, zero);
        const float norm_scale =
            kernels->norm(x.data(), weight.data(), bias.data(), 1e-5F, width, of_norm.to());
        check_bytes(of_norm, norm_scale, normed(plain, weight, bias, 1e-5));

        auto sum = x;
        target of_sum(width, zero);
        const float sum_scale =
            kernels->add_norm(sum.data(), y, weight.data(), bias.data(), 1e-5F, width, of_sum.to());
        check_bytes(of_sum, sum_scale, normed(added, weight, bias, 1e-5));
        auto twice = x;
        kernels->add(twice.data(), y, width);
        CHECK(twice == sum);
        std::vector<T> wide(x.size());
        kernels->widen(y, width, wide.data());
        const double near = std::is_same_v<T, float> ? 1e-6 : 1.0 / 256;
        for (std::size_t i = 0; i < x.size(); ++i) {
          REQUIRE(std::abs(static_cast<double>(widen(sum[i])) - added[i]) <= near * (1 + std::abs(added[i])));
          REQUIRE(std::abs(static_cast<double>(widen(wide[i])) - answer[i]) <=
                  near * (1 + std::abs(answer[i])));
        }

        for (const auto act : {activation::quick_gelu, activation::gelu, activation::gelu_tanh}) {
          INFO(name_of(act));
          std::vector<double> expected;
          for (std::size_t i = 0; i < answer.size(); ++i)
            expected.push_back(activated(answer[i], act) * static_cast<double>(weight[i]) +
                               static_cast<double>(offset[i]));
          target of_act(width, zero);
          const float scale = kernels->activate(y, act, weight.data(), offset.data(), width, of_act.to());
          check_bytes(of_act, scale, expected);
          auto bent = x;
          kernels->bend(bent.data(), bias.data(), act, width);
          const double rounding = std::is_same_v<T, float> ? 1e-6 : 1.0 / 256;
          for (std::size_t i = 0; i < x.size(); ++i) {
            const double exact = activated(plain[i] + static_cast<double>(bias[i]), act);
            REQUIRE(std::abs(static_cast<double>(widen(bent[i])) - exact) <=
                    rounding * (1 + std::abs(exact)));
          }
        }
      }
    }
  }
}

template <class T>
void check_extremes() {
  for (const auto& [name, kernels] : tables(T{})) {
    INFO(name);
    const std::vector<T> nothing(64, T{});
    const std::vector<float> ones(64, 1), zeros(64, 0);
    target of_nothing(64, 100);
    CHECK(kernels->quantise(nothing.data(), 64, of_nothing.to()) == 1);
    CHECK(of_nothing.bytes == std::vector<std::uint8_t>(64, 100));
    // Far out, where an exponential overflows if nobody minds.
    std::vector<float> far(64, -10'000);
    far[3] = 10'000;
    const auto sums = as<T>(far);
    target of_far(64, 20);
    const float scale = kernels->activate({sums.data(), 1, zeros.data()}, activation::quick_gelu, ones.data(),
                                          zeros.data(), 64, of_far.to());
    CHECK(std::abs(scale * 235 - widen(sums[3])) < 1);
    CHECK(of_far.bytes[3] == 255);
    CHECK(std::count(of_far.bytes.begin(), of_far.bytes.end(), 20) == 63);
    auto bent = sums;
    kernels->bend(bent.data(), zeros.data(), activation::quick_gelu, 64);
    CHECK(widen(bent[3]) == widen(sums[3]));
    CHECK(std::abs(widen(bent[4])) < 1e-6F);
  }
}

}  // namespace

TEST_CASE("rows become bytes, and are bent, by every kernel of this CPU as the definition says, in fp32") {
  check_tables<float>();
}
TEST_CASE("rows become bytes, and are bent, by every kernel of this CPU as the definition says, in bf16") {
  check_tables<std::uint16_t>();
}
TEST_CASE("rows of zeros and of huge numbers become bytes too") {
  check_extremes<float>();
  check_extremes<std::uint16_t>();
}
