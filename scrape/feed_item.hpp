#pragma once
#include <nlohmann/json.hpp>

namespace catwalk::scrape {

/// The fields (by the names of `field_map`) of one item of a Google Merchant feed, as feed_parser gives it:
/// "19.90 EUR" is an amount and a currency, the sale price counts where it is lower, colours are parted by
/// "/", `condition` other than new is second-hand.
nlohmann::json feed_fields(const nlohmann::json& item);

}  // namespace catwalk::scrape
