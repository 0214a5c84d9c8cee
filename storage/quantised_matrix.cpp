#include "storage/quantised_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "storage/int8_dot.hpp"

namespace catwalk::storage {
namespace {

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  // Four sums side by side: additions of doubles are not reordered by the compiler.
  double sums[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= a.size(); i += 4)
    for (std::size_t j = 0; j < 4; ++j)
      sums[j] += static_cast<double>(a[i + j]) * static_cast<double>(b[i + j]);
  for (; i < a.size(); ++i) sums[0] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

std::optional<double> length_of(const std::vector<float>& vector) {
  const double length = std::sqrt(dot(vector, vector));
  if (!(length > 0) || !std::isfinite(length)) return std::nullopt;
  return length;
}

float largest(const std::vector<float>& vector) {
  float most = 0;
  for (const float v : vector) most = std::max(most, std::abs(v));
  return most;
}

/// What rounding in double precision may add to any of the sums here, many times over.
constexpr double slack = 1e-9;

}  // namespace

quantised_matrix::quantised_matrix(std::size_t width)
    : width_(width), padded_((width + int8_dot_step - 1) / int8_dot_step * int8_dot_step) {}

std::size_t quantised_matrix::bytes_of(std::size_t rows) const noexcept {
  const auto blocks = (rows + block_rows - 1) / block_rows;
  return blocks * block_rows * (padded_ + 2 * sizeof(float));
}

bool quantised_matrix::add(const std::vector<float>& vector) {
  const auto length = length_of(vector);
  if (!length || vector.size() != width_) return false;
  if (rows_ % block_rows == 0) {
    auto& fresh = blocks_.emplace_back();
    fresh.numbers.reserve(block_rows * padded_);
    fresh.scales.reserve(block_rows);
    fresh.errors.reserve(block_rows);
  }
  auto& to = blocks_.back();
  const auto scale = static_cast<float>(static_cast<double>(largest(vector)) / *length / 127);
  double left = 0;
  for (const float v : vector) {
    const double unit = static_cast<double>(v) / *length;
    const double number = std::clamp(std::nearbyint(unit / static_cast<double>(scale)), -127.0, 127.0);
    const double rest = unit - static_cast<double>(scale) * number;
    left += rest * rest;
    to.numbers.push_back(static_cast<std::int8_t>(number));
  }
  to.numbers.resize(to.numbers.size() + padded_ - width_);
  to.scales.push_back(scale);
  to.errors.push_back(
      std::nextafter(static_cast<float>(std::sqrt(left)), std::numeric_limits<float>::infinity()));
  ++rows_;
  return true;
}

std::optional<quantised_matrix::query> quantised_matrix::prepare(const std::vector<float>& vector) const {
  const auto length = length_of(vector);
  if (!length || vector.size() != width_) return std::nullopt;
  // So that the kernels' sums of 32 bits hold (see int8_dot).
  const auto most_for_width =
      static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) / (127 * (padded_ / 8));
  const auto most =
      static_cast<double>(std::min<std::size_t>(std::numeric_limits<std::int16_t>::max(), most_for_width));
  query q;
  q.scale = static_cast<double>(largest(vector)) / *length / most;
  q.numbers.reserve(padded_);
  double length2 = 0, rest2 = 0;
  for (const float v : vector) {
    const double unit = static_cast<double>(v) / *length;
    const double number = std::clamp(std::nearbyint(unit / q.scale), -most, most);
    const double rest = unit - q.scale * number;
    length2 += q.scale * number * q.scale * number;
    rest2 += rest * rest;
    q.numbers.push_back(static_cast<std::int16_t>(number));
  }
  q.numbers.resize(padded_);
  q.length = std::sqrt(length2);
  q.rounding = std::sqrt(rest2);
  return q;
}

quantised_matrix::estimate quantised_matrix::look(std::size_t row, const query& q) const noexcept {
  static const int8_dot kernel = chosen_int8_dot();
  const auto& from = blocks_[row / block_rows];
  const auto at = row % block_rows;
  const auto sum = kernel(from.numbers.data() + at * padded_, q.numbers.data(), padded_);
  return {q.scale * static_cast<double>(from.scales[at]) * static_cast<double>(sum),
          q.length * static_cast<double>(from.errors[at]) + q.rounding + slack};
}

std::optional<double> cosine_of(const std::vector<float>& a, const std::vector<float>& b) {
  const auto left = length_of(a), right = length_of(b);
  if (!left || !right || a.size() != b.size()) return std::nullopt;
  return dot(a, b) / *left / *right;
}

}  // namespace catwalk::storage
