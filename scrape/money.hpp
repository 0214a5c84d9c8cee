#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "config/site.hpp"
#include "scrape/decimal.hpp"

namespace catwalk::scrape {

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
/// fraction is in major units. A number without a currency is no price. A text that holds a currency's
/// code stays as it is; else its number is taken and the currency appended; without currency it
/// stays raw. Objects, whose order JSON does not keep, are listed with `currency` first, then USD, EUR, GBP,
/// then by code.
price_reading read_price(const nlohmann::json& value, std::string_view currency, config::price_unit unit);

}  // namespace catwalk::scrape
