#pragma once
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "config/site.hpp"
#include "core/product.hpp"
#include "scrape/shop_rules.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// Where an item was found.
struct item_origin {
  std::string endpoint;  ///< as in sites.yaml; its number names the category
  int endpoint_index = 0;
  std::string base;          ///< the page's address, which relative addresses mean
  std::size_t position = 0;  ///< on the page, from 1: for items without an id
};

/// Turns one item into a product, or says why not. `fields` are its values by the names of `field_map`;
/// `raw_item` is what the shop sent. Skip reasons: "no id", "no image", "no price".
///
/// Ids, prices, gender, category, availability and size are those of the predecessor's rows, so that a table
/// that holds its rows is continued. A sale that is not below the price is none. `rules` are the site's
/// (rules_for).
std::variant<product, skipped_item> normalise(const nlohmann::json& fields, nlohmann::json raw_item,
                                              const config::site& site, const shop_rules& rules,
                                              const item_origin& origin);

/// `women` where the text holds women, female, woman, lady or girl; else `men` for men, male, man, guy or
/// boy; else the text as it is.
std::string normalised_gender(std::string_view text);

/// in_stock, out_of_stock or unknown, from a shop's word or a boolean.
std::string normalised_availability(const nlohmann::json& value);

}  // namespace catwalk::scrape
