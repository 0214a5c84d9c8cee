#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "config/site.hpp"

namespace catwalk::scrape {

/// A non-negative decimal number as its digits, exact: money never passes through binary floating point.
class decimal {
 public:
  /// Digits with at most one point, "1234.50"; nullopt for anything else.
  static std::optional<decimal> parse(std::string_view text);

  bool is_whole() const noexcept;  ///< no fraction but zeros
  bool is_zero() const noexcept;
  bool at_least(std::string_view whole) const noexcept;  ///< `whole`: digits without leading zeros
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

/// Digits after the point in amounts of a currency (ISO 4217): 2, but 0 for JPY and its like, 3 for KWD and
/// its like.
int fraction_digits_of(std::string_view currency);

/// A price as a shop gave it.
struct price_reading {
  std::optional<std::string> text;  ///< "219USD", "20USD,450CZK"; nullopt: no price
  std::optional<std::string>
      amount;  ///< "219.0" in major units: of the site's currency where there are several
  std::optional<std::string> currency;  ///< of `amount`
};

/// Reads what `field_map` found for a price: a number, a text, `{"USD":20,"CZK":450}` or
/// `[{"price":20,"currency":"USD"}]` (also `value|amount`, `curr|code`). `currency` may be empty.
///
/// Whole numbers are minor units (hundredths, or what the currency has) under `price_unit::minor`, major
/// units under `major`, and under `guess` minor units (always hundredths) from 1000 on. A number with a
/// fraction is in major units. A number without a currency is no price. A text that holds three capital
/// letters in a row stays as it is; else its number is taken and the currency appended; without currency it
/// stays raw. Objects, whose order JSON does not keep, are listed with `currency` first, then USD, EUR, GBP,
/// then by code.
price_reading read_price(const nlohmann::json& value, std::string_view currency, config::price_unit unit);

}  // namespace catwalk::scrape
