#pragma once
#include <nlohmann/json.hpp>

#include "scrape/html_document.hpp"

namespace catwalk::scrape {

/// The product that a page describes in OpenGraph (`og:type` product, or any `product:*`), as an item with
/// the names of `field_map`; null where the page describes none.
nlohmann::json open_graph_product(const html_document& page);

}  // namespace catwalk::scrape
