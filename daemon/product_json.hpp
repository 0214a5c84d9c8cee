#pragma once
#include <nlohmann/json.hpp>
#include <vector>

#include "storage/catalogue.hpp"
#include "storage/catalogue_browser.hpp"

namespace catwalk::daemon {

/// The API's `Product`: what a list shows of it.
nlohmann::json product_json(const storage::listed_product& one);
/// `ProductDetail`: all of it but the shop's raw item and the vector's numbers.
nlohmann::json product_detail_json(const storage::catalogue_entry& entry);
/// `Facets`.
nlohmann::json facets_json(const storage::product_facets& facets);

/// Where the daemon serves a product's picture.
std::string thumbnail_path(const product_id& id);

}  // namespace catwalk::daemon
