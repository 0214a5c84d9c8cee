#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "scrape/shop_rules.hpp"

namespace catwalk::scrape {

/// The pictures of one item.
struct item_images {
  std::string main;                     ///< absolute and usable; empty: there is none
  std::string raw_main;                 ///< as the shop wrote it
  std::vector<std::string> additional;  ///< absolute and usable, without repeats and without the main picture
};

/// Chooses among what `image_url` (a text, or a list of candidates) and `_xmedia_urls` (else
/// `additional_images`) hold. The main picture is the first candidate that is usable and holds one of
/// `rules.image_url_contains`; without an `image_url` in the map it is the first such one of `_xmedia_urls`.
/// Two addresses that differ in the picture's width alone are one picture.
item_images images_of(const nlohmann::json& fields, const shop_rules& rules, std::string_view base,
                      int width);

}  // namespace catwalk::scrape
