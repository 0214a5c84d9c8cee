#include "storage/vector_text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

namespace catwalk::storage {

namespace {

/// `-1.17549435e-38`, and one to spare.
constexpr std::size_t longest_number = 16;

/// Two digits each for 0 to 99.
constexpr auto pairs = [] {
  std::array<char, 200> all{};
  for (std::size_t i = 0; i < 100; ++i) {
    all[2 * i] = static_cast<char>('0' + i / 10);
    all[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return all;
}();

/// Nine digits.
void write_nine(char* at, std::uint32_t number) {
  const auto pair = [](char* to, std::uint32_t two) {
    std::memcpy(to, pairs.data() + std::size_t{2} * two, 2);
  };
  const std::uint32_t high = number / 100'000;  // four digits, and five
  const std::uint32_t low = number % 100'000;
  pair(at, high / 100);
  pair(at + 2, high % 100);
  pair(at + 4, low / 1000);
  pair(at + 6, low / 10 % 100);
  at[8] = static_cast<char>('0' + low % 10);
}

/// The shortest decimal of a number in [0.001, 1), which is what the numbers of a unit vector nearly all are:
/// in two thirds of the time of std::to_chars. Returns nullptr where the number is another, or where the
/// arithmetic here cannot decide.
///
/// The number becomes nine digits before the point, and so does half of the distance to the next floats,
/// within which every decimal reads back as this float. The digits that can go are those for which a multiple
/// of the power of ten is still within reach; the nearest such multiple is the shortest decimal. A halfway
/// point between two floats has more decimals than nine digits reach, so none is met exactly.
char* write_fraction(char* at, float value) {
  const double x = std::fabs(value);
  const auto bits = std::bit_cast<std::uint32_t>(value);
  constexpr std::uint32_t mantissa = (1U << 23) - 1;
  // At a power of two the halfway points are not equally far.
  if (!(x >= 0.001 && x < 1) || (bits & mantissa) == 0) return nullptr;
  const int zeros = static_cast<int>(x < 0.1) + static_cast<int>(x < 0.01);
  constexpr std::array<double, 3> scales{1e9, 1e10, 1e11};
  const double scale = scales[static_cast<std::size_t>(zeros)];
  // 2^(exponent - 24), by its bits.
  const auto exponent = std::uint64_t{bits >> 23 & 0xFF} - 127 + 1023 - 24;
  const double reach = std::bit_cast<double>(exponent << 52) * scale;
  const double scaled = x * scale;
  constexpr double margin = 1e-6;  // above what rounding can add up to, 2e-7
  // Nine digits are always within reach; where they are a tie, they are exact and one of them is right.
  std::uint32_t digits = (static_cast<std::uint32_t>(2 * scaled) + 1) / 2;
  int dropped = 0;
  bool undecided = false;
  // Whether one digit more can go; the powers are constants, since a division by a variable is slow.
  const auto drop = [&]<std::uint32_t power>() {
    const auto nearest = (static_cast<std::uint32_t>(scaled) + power / 2) / power * power;
    const double off = std::fabs(scaled - nearest);
    undecided = std::fabs(off - reach) < margin || std::fabs(off - power / 2.0) < margin;
    if (undecided || off > reach) return false;
    digits = nearest;
    ++dropped;
    return true;
  };
  const auto drop_all = [&]<std::uint32_t... power>(std::integer_sequence<std::uint32_t, power...>) {
    static_cast<void>((drop.template operator()<power>() && ...));
  };
  drop_all(std::integer_sequence<std::uint32_t, 10, 100, 1000, 10'000, 100'000, 1'000'000, 10'000'000,
                                 100'000'000>());
  if (undecided || digits >= 1'000'000'000) return nullptr;
  *at = '-';
  at += value < 0 ? 1 : 0;
  std::copy_n("0.00", 4, at);
  write_nine(at + 2 + zeros, digits);
  return at + 2 + zeros + 9 - dropped;
}

/// `at` has room for `longest_number`. Returns the end.
char* write_number(char* at, float value) {
  if (char* const end = write_fraction(at, value)) return end;
  return std::to_chars(at, at + longest_number, value).ptr;
}

}  // namespace

std::string shortest(float value) {
  char text[longest_number];
  return {text, write_number(text, value)};
}

void append_vector(std::string& out, const std::vector<float>& values) {
  const auto before = out.size();
  out.resize(before + 2 + (longest_number + 1) * values.size());
  char* at = out.data() + before;
  *at++ = '[';
  for (const float value : values) {
    at = write_number(at, value);
    *at++ = ',';
  }
  if (!values.empty()) --at;
  *at++ = ']';
  out.resize(static_cast<std::size_t>(at - out.data()));
}

std::string vector_as_text(const std::vector<float>& values) {
  std::string text;
  append_vector(text, values);
  return text;
}

std::vector<float> vector_from_text(std::string_view text) {
  std::vector<float> values;
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return values;
  text = text.substr(1, text.size() - 2);
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    float value = 0;
    const auto [rest, problem] = std::from_chars(at, end, value);
    if (problem != std::errc() || (rest != end && *rest != ',')) return {};
    values.push_back(value);
    at = rest + 1;
  }
  return values;
}

}  // namespace catwalk::storage
