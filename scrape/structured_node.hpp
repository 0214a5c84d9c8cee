#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "scrape/html_document.hpp"

namespace catwalk::scrape {

// What pages say of themselves in the vocabulary of schema.org. A node is an object as JSON-LD writes it:
// `{"@type": "Product", "name": …, "offers": {…}}`, whichever syntax it was read from.

/// The nodes of a page's JSON-LD scripts, `@graph`s and arrays opened, references by `@id` within the page
/// resolved. Scripts that cannot be read are told in `warnings`.
std::vector<nlohmann::json> json_ld_nodes(const html_document& page, std::vector<std::string>& warnings);

/// The top-level items of a page's microdata (HTML standard, section 5), `itemref` included, in the form of
/// JSON-LD. Addresses stay as they are written.
std::vector<nlohmann::json> microdata_nodes(const html_document& page);

/// Whether `@type` (one, or a list; with or without `https://schema.org/` before it) is `type`.
bool is_type(const nlohmann::json& node, std::string_view type);

/// Every product under these nodes: `Product` and its kinds, and `ProductGroup`, in lists, `mainEntity` and
/// the like too, but neither a group's variants nor products that a product refers to.
std::vector<nlohmann::json> product_nodes(const std::vector<nlohmann::json>& nodes);

/// Addresses of product pages that an `ItemList` or the products themselves name, as they are written.
std::vector<std::string> product_links(const std::vector<nlohmann::json>& nodes);

}  // namespace catwalk::scrape
