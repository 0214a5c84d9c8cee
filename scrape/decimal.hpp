#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace catwalk::scrape {

/// A non-negative decimal number as its digits, exact: money never passes through binary floating point.
class decimal {
 public:
  /// Digits with at most one point, "1234.50"; nullopt for anything else.
  static std::optional<decimal> parse(std::string_view text);

  bool is_whole() const noexcept;  ///< no fraction but zeros
  bool is_zero() const noexcept;
  bool at_least(std::string_view whole) const noexcept;  ///< `whole`: digits without leading zeros
  bool less_than(const decimal& other) const;
  decimal divided_by_power_of_ten(int exponent) const;
  /// "219", "79.9": without trailing zeros.
  std::string shortest() const;
  /// "219.0", "79.9": without trailing zeros, but with a fraction.
  std::string with_fraction() const;
  /// "49.90": as it was written.
  std::string as_written() const;

 private:
  std::string whole_;     // without leading zeros, at least "0"
  std::string fraction_;  // as written
};

/// The first number in a price text: "1,234.50" and "1.234,50" are 1234.50, "49,90" is 49.90, "1 299" and
/// "1,299" are 1299. `fraction_digits` of the currency decides "1.299": thousands, unless the currency has
/// three.
std::optional<decimal> amount_in(std::string_view text, int fraction_digits = 2);

}  // namespace catwalk::scrape
