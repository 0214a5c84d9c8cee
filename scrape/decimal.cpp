#include "scrape/decimal.hpp"

#include <algorithm>

namespace catwalk::scrape {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool is_separator(char c) {
  return c == '.' || c == ',';
}
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// Exactly `count` digits stand at the beginning.
bool begins_with_digits(std::string_view text, std::size_t count) {
  return text.size() >= count && all_digits(text.substr(0, count)) &&
         (text.size() == count || !is_digit(text[count]));
}

/// The blank between groups of digits at the beginning of `text`: its length, or 0.
std::size_t group_blank(std::string_view text) {
  for (const std::string_view blank : {" ", "\u00a0", "\u202f", "\u2009", "'", "\u2019"}) {
    if (text.starts_with(blank)) return blank.size();
  }
  return 0;
}

/// A number as it stands in a text: digits with the points and commas between them.
struct written_number {
  std::string digits;
  std::string_view rest;  ///< what follows it
};

/// Reads the number at the beginning of `text`, which is a digit.
written_number read_number(std::string_view text) {
  std::string number;
  while (!text.empty()) {
    const bool plain = number.find_first_of(".,") == std::string::npos;
    if (is_digit(text[0])) {
      number += text[0];
      text.remove_prefix(1);
    } else if (is_separator(text[0]) && text.size() > 1 && is_digit(text[1])) {
      number += text[0];
      text.remove_prefix(1);
    } else if (is_separator(text[0]) && text.substr(1).starts_with(' ') &&
               begins_with_digits(text.substr(2), 2)) {
      number += text[0];  // "119. 95"
      text.remove_prefix(2);
    } else if (const std::size_t blank = group_blank(text);
               plain && blank > 0 && begins_with_digits(text.substr(blank), 3)) {
      text.remove_prefix(blank);
    } else {
      break;
    }
  }
  // "35€99" and "35€ 99"
  constexpr std::string_view euro = "€";
  if (text.starts_with(euro) && number.find_first_of(".,") == std::string::npos) {
    std::string_view cents = text.substr(euro.size());
    if (cents.starts_with(' ')) cents.remove_prefix(1);
    if (begins_with_digits(cents, 2)) {
      number += '.' + std::string(cents.substr(0, 2));
      text = cents.substr(2);
    }
  }
  return {std::move(number), text};
}

}  // namespace

std::optional<decimal> decimal::parse(std::string_view text) {
  const std::size_t point = text.find('.');
  std::string_view whole = text.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (!all_digits(whole)) return std::nullopt;
  if (point != std::string_view::npos && !all_digits(fraction)) return std::nullopt;
  while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
  decimal out;
  out.whole_ = whole;
  out.fraction_ = fraction;
  return out;
}

bool decimal::is_whole() const noexcept {
  return fraction_.find_first_not_of('0') == std::string::npos;
}

bool decimal::is_zero() const noexcept {
  return whole_ == "0" && is_whole();
}

bool decimal::at_least(std::string_view whole) const noexcept {
  if (whole_.size() != whole.size()) return whole_.size() > whole.size();
  return whole_ >= whole;
}

bool decimal::less_than(const decimal& other) const {
  if (whole_.size() != other.whole_.size()) return whole_.size() < other.whole_.size();
  if (whole_ != other.whole_) return whole_ < other.whole_;
  const std::size_t digits = std::max(fraction_.size(), other.fraction_.size());
  const auto padded = [digits](std::string fraction) {
    fraction.resize(digits, '0');
    return fraction;
  };
  return padded(fraction_) < padded(other.fraction_);
}

decimal decimal::divided_by_power_of_ten(int exponent) const {
  decimal out = *this;
  for (int i = 0; i < exponent; ++i) {
    out.fraction_.insert(out.fraction_.begin(), out.whole_.back());
    out.whole_.pop_back();
    if (out.whole_.empty()) out.whole_ = "0";
  }
  return out;
}

std::string decimal::shortest() const {
  std::string fraction = fraction_;
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return fraction.empty() ? whole_ : whole_ + '.' + fraction;
}

std::string decimal::with_fraction() const {
  std::string text = shortest();
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string decimal::as_written() const {
  return fraction_.empty() ? whole_ : whole_ + '.' + fraction_;
}

std::optional<decimal> amount_in(std::string_view text, int fraction_digits) {
  std::string number;
  while (number.empty()) {
    const auto found = std::find_if(text.begin(), text.end(), is_digit);
    if (found == text.end()) return std::nullopt;
    const auto at = static_cast<std::size_t>(found - text.begin());
    auto [digits, rest] = read_number(text.substr(at));
    const bool percentage = rest.starts_with('%') || rest.starts_with(" %");
    if (!percentage) {
      // "$.75", but not the point of "Rs.75".
      const bool pure_fraction =
          at > 0 && is_separator(text[at - 1]) && (at == 1 || !is_letter(text[at - 2])) && all_digits(digits);
      number = (pure_fraction ? "0." : "") + digits;
    }
    text = rest;
  }

  const std::size_t last = number.find_last_of(".,");
  if (last == std::string::npos) return decimal::parse(number);
  const char separator = number[last];
  const bool once = std::count(number.begin(), number.end(), separator) == 1;
  const bool both = number.find(separator == '.' ? ',' : '.') != std::string::npos;
  const std::size_t after = number.size() - last - 1;
  // One separator before exactly three digits groups thousands, unless the number begins with 0 or the
  // currency has three digits; of two kinds the last one is the decimal one.
  const bool groups =
      !both && once && after == 3 && number.front() != '0' && last <= 3 && fraction_digits != 3;
  const bool is_decimal = once && !groups;
  std::string plain;
  for (std::size_t i = 0; i < number.size(); ++i) {
    if (is_digit(number[i])) plain += number[i];
    if (i == last && is_decimal) plain += '.';
  }
  return decimal::parse(plain);
}

}  // namespace catwalk::scrape
