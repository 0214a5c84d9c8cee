#include "storage/vector_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

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

/// Nine digits of a number in [0.001, 1), which is what the numbers of a unit vector nearly all are. Returns
/// nullptr where it is another.
///
/// Nine digits tell every float from the next: half of the distance to it is 3.7 units of the ninth or more,
/// and here they are off by half a unit and what one multiplication rounds. The shortest decimal has one or
/// two less and takes longer to find.
char* write_fraction(char* at, float value) {
  const double x = std::fabs(value);
  if (!(x >= 0.001 && x < 1)) return nullptr;
  const int zeros = static_cast<int>(x < 0.1) + static_cast<int>(x < 0.01);
  constexpr std::array<double, 3> scales{1e9, 1e10, 1e11};
  *at = '-';
  at += value < 0 ? 1 : 0;
  std::copy_n("0.00", 4, at);
  // Below 1 the largest float is 0.99999994: rounding adds no digit.
  const auto twice = static_cast<std::uint32_t>(2 * x * scales[static_cast<std::size_t>(zeros)]);
  write_nine(at + 2 + zeros, (twice + 1) / 2);
  return at + 2 + zeros + 9;
}

/// `at` has room for `longest_number`. Returns the end.
char* write_number(char* at, float value) {
  if (char* const end = write_fraction(at, value)) return end;
  return std::to_chars(at, at + longest_number, value).ptr;
}

}  // namespace

std::string shortest(float value) {
  char text[longest_number];
  return {text, std::to_chars(text, text + longest_number, value).ptr};
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
