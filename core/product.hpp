#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/id.hpp"

namespace catwalk {

/// One product as a shop lists it, normalised. It holds what every layout of the sink needs; the layouts
/// (storage/layout.hpp) pick and rename. Texts are valid UTF-8 without NUL. An absent text is nullopt, never
/// "".
struct product {
  product_id id;
  site_name site;
  std::string source;         ///< the site's `source`
  std::string external_id;    ///< may be empty where the address identifies the product
  std::string product_url;    ///< absolute
  std::string image_url;      ///< absolute, placeholders filled in; what is fetched and embedded
  std::string raw_image_url;  ///< as the shop wrote it, `{width}` included
  std::vector<std::string> additional_images;  ///< absolute, without repeats and without `image_url`
  std::optional<std::string> affiliate_url;
  std::string title;
  std::optional<std::string> description;
  std::optional<std::string> brand;
  std::optional<std::string> merchant;
  std::string country;  ///< the site's `country`
  std::optional<std::string>
      country_field;  ///< what `field_map.country` gives; goes into the 2026-02 metadata
  std::optional<std::string> category;
  std::optional<std::string>
      category_field;  ///< what `field_map.category` gives, which the 2025-10 layout stores
  std::optional<std::string> subcategory;
  std::optional<std::string> gender;      ///< `women`, `men`, or the shop's text
  std::optional<std::string> raw_gender;  ///< the shop's text
  std::vector<std::string> color_names;
  std::optional<std::string> size;       ///< joined by ", "
  std::string availability = "unknown";  ///< in_stock | out_of_stock | unknown
  std::optional<std::string> price;      ///< `219USD`, `20USD,450CZK`
  std::optional<std::string> sale;       ///< as `price`; nullopt when the product is not on sale
  std::optional<std::string>
      price_amount;  ///< decimal number in major units as text, "219.0", without rounding
  std::optional<std::string> sale_amount;  ///< likewise
  std::optional<std::string> currency;     ///< ISO 4217
  bool second_hand = false;
  std::optional<std::string> other;  ///< `field_map.other`: free text that only `info_text` uses
  nlohmann::json metadata = nlohmann::json::object();  ///< as the 2026-02 layout stores it
  nlohmann::json
      raw_item;  ///< what the shop sent for it; the 2025-10 layout stores it; null where nothing needs it
  std::string endpoint;    ///< the listing it was read from
  int endpoint_index = 0;  ///< that listing's place in sites.yaml; the last one wins within a run

  /// The text that `info_embedding` embeds: the present parts joined by one blank (predecessor/`_info_text`).
  std::string info_text() const;
  /// Lower-case hex SHA-256 over every normalised field. Equal hashes: nothing to write. `raw_item` is left
  /// out, since shops change stamps in it with every answer.
  std::string field_hash() const;
};

/// JSON with exactly the members above, for the state database; `from_json` accepts what `to_json` wrote.
nlohmann::json to_json(const product& p);
product product_from_json(const nlohmann::json& j);

}  // namespace catwalk
