#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace catwalk::scrape {

/// A product of schema.org's vocabulary (product_nodes) as an item with the names of `field_map`:
/// external_id, title, description, brand, price, sale, currency, availability, image_url and
/// additional_images (lists), product_url, category, gender, color_names, size. What the node does not say is
/// missing, not null.
///
/// A group is one item: the sizes and colours of its variants together, the lowest of their prices, in stock
/// where one of them is. A list price above the price makes the price a sale. A price of 0 is none. Prices
/// are texts, so that no rule about minor units applies to them: schema.org's prices are in major units.
nlohmann::json fields_of_product(const nlohmann::json& node);

/// The part of a product's address that names it: what follows `/products/`, else the last part of the path,
/// without `.html`; empty where there is none.
std::string handle_in_address(std::string_view address);

/// Adds the members of `more` that `fields` lacks or has empty.
void add_missing_fields(nlohmann::json& fields, const nlohmann::json& more);

/// Text without markup and character references: "Caf&eacute; <b>shirt</b>" is "Café shirt".
std::string plain_text(std::string_view text);

}  // namespace catwalk::scrape
