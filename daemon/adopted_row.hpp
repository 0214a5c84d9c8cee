#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/site.hpp"
#include "core/product.hpp"
#include "storage/sink.hpp"

namespace catwalk::daemon {

/// The site that a row of the sink belongs to: of those with its `source`, the one with its brand or
/// merchant, or else with its address's host. nullptr: none, or more than one.
const config::site* site_of_row(const nlohmann::json& columns, const std::vector<config::site>& sites);

/// The product that a row says it is, under the sink's id. nullopt: the row has no key.
std::optional<product> product_of_row(const storage::stored_row& row, const config::site& site,
                                      const std::string& layout);

}  // namespace catwalk::daemon
