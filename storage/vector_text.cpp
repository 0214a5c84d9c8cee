#include "storage/vector_text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>

#include "storage/nine_digits.hpp"

namespace catwalk::storage {

namespace {

/// `,-0.0000123456789`, and one to spare.
constexpr std::size_t longest_number = 18;

/// The nearest integer to a number that is not negative and of which the double fits.
template <class Integer>
constexpr Integer rounded(double number) {
  return (static_cast<Integer>(2 * number) + 1) / 2;
}

/// How the floats from one power of two to the next are written: with as many decimals as tell each from its
/// neighbours, nine at least.
struct binade {
  /// What stands before the last nine decimals: a comma, the sign, the point and zeros.
  struct beginning {
    std::array<char, 8> text{};
    std::size_t length = 0;
  };
  double scale = 1e9;               ///< 10 to the number of decimals
  std::array<beginning, 2> before;  ///< of a positive number, of a negative one

  /// `distance`: from one of the floats to the next.
  static constexpr binade of(double distance) {
    binade made;
    std::size_t zeros = 0;
    for (; !tells_apart(made.scale, distance); made.scale *= 10) ++zeros;
    made.before = {{{{',', '0', '.', '0', '0', '0', '0', '0'}, 3 + zeros},
                    {{',', '-', '0', '.', '0', '0', '0', '0'}, 4 + zeros}}};
    return made;
  }
  /// Rounding is off by half a step, and a float is read back from anything within half of the distance to
  /// the next; below the smallest one, the power of two, that distance is half as large.
  static constexpr bool tells_apart(double scale, double distance) {
    const double smallest = distance * (1 << 23) * scale;
    const double off = smallest - static_cast<double>(rounded<std::int64_t>(smallest));
    return 1 < distance * scale && (off < 0 ? -off : off) < distance * scale / 4;
  }
};
/// From 2^-20, about a millionth, to 2^-1: what the numbers of a unit vector nearly all are in.
constexpr int smallest_exponent = -20;
constexpr auto binades = [] {
  std::array<binade, -smallest_exponent> all;
  double distance = 1.0 / (1 << 24);  // below 1
  for (auto at = all.rbegin(); at != all.rend(); ++at, distance /= 2) *at = binade::of(distance);
  return all;
}();
static_assert(binades.front().before[1].length <= 8);

/// The place of a number's binade in `binades`; no place of theirs where it is outside.
std::size_t place_of(float value) {
  return (std::bit_cast<std::uint32_t>(value) >> 23 & 0xFF) -
         static_cast<std::uint32_t>(127 + smallest_exponent);
}

/// Up to `nine_digits::numbers` numbers, each with a comma before it. `at` has room for as many times
/// `longest_number`. Returns the end.
char* write_numbers(char* at, std::span<const float> values, nine_digits_writer write_digits) {
  std::array<std::uint32_t, nine_digits::numbers> decimals;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto place = place_of(values[i]);
    const bool inside = place < binades.size();
    const double scaled = inside ? std::fabs(double{values[i]}) * binades[place].scale : 0;
    decimals[i] = static_cast<std::uint32_t>(rounded<std::int32_t>(scaled));
  }
  std::fill(decimals.begin() + static_cast<std::ptrdiff_t>(values.size()), decimals.end(), 0);
  nine_digits digits;
  write_digits(decimals.data(), digits);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto place = place_of(values[i]);
    if (place >= binades.size()) {
      // The shortest decimal would do for all: it has one digit less or two, and takes longer to find.
      *at = ',';
      at = std::to_chars(at + 1, at + longest_number, values[i]).ptr;
      continue;
    }
    // Looked up: a branch on the sign would be mispredicted half of the time.
    const auto& before = binades[place].before[std::signbit(values[i]) ? 1 : 0];
    std::memcpy(at, before.text.data(), before.text.size());
    at += before.length;
    *at = digits.first[i];
    std::memcpy(at + 1, digits.others[i], sizeof digits.others[i]);
    at += 9;
  }
  return at;
}

}  // namespace

std::string shortest(float value) {
  char text[longest_number];
  return {text, std::to_chars(text, text + longest_number, value).ptr};
}

void append_vector(std::string& out, const std::vector<float>& values) {
  static const auto write_digits = chosen_nine_digits();
  constexpr auto most = nine_digits::numbers;
  // Piece by piece: a text that is first made longer is filled with zeroes.
  char piece[most * longest_number];
  const auto begin = out.size();
  for (std::size_t from = 0; from < values.size(); from += most) {
    const auto next = std::span(values).subspan(from, std::min(most, values.size() - from));
    out.append(piece, write_numbers(piece, next, write_digits));
  }
  if (values.empty()) out += '[';
  out[begin] = '[';  // in place of the first comma
  out += ']';
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
