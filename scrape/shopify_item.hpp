#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "scrape/json_reach.hpp"

namespace catwalk::scrape {

/// The fields (by the names of `field_map`) of one product as Shopify's `/products.json` has it.
///
/// The price is that of the cheapest variant that can be bought (of all, where none can); where its
/// `compare_at_price` is above it, that is the price and the variant's own price the sale. Sizes and colours
/// are the values of the options that are called so in any of a dozen languages, of the variants that can be
/// bought; `Default Title` is none. `gender` is what the product's type, tags or title say as a word.
/// `shop` is the shop's address, without a slash at its end.
nlohmann::json shopify_fields(const nlohmann::json& product, const std::string& shop);

/// Notes what shopify_fields looks at in products that stand at `product`.
void shopify_reach(json_reach& product);

}  // namespace catwalk::scrape
