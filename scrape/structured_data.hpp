#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scrape/html_document.hpp"

namespace catwalk::scrape {

/// A product that a page describes for machines.
struct structured_item {
  nlohmann::json fields;  ///< by the names of `field_map`
  nlohmann::json raw;     ///< as the page says it: the JSON-LD or microdata node; null for OpenGraph alone
};

/// What a page says of itself for machines.
struct structured_page {
  std::vector<structured_item> items;  ///< of JSON-LD, else of microdata, else the one of OpenGraph
  std::vector<std::string> links;      ///< to product pages, absolute, each once
  std::vector<std::string> warnings;   ///< scripts that cannot be read

  /// The product that the page is about: the one whose address is the page's, else the first; null where
  /// there is none.
  const structured_item* main_item() const noexcept;
  std::size_t main = 0;  ///< its index in `items`
};

/// Reads JSON-LD, microdata and OpenGraph of a page at `address`, which its relative addresses mean (`base`
/// is the page's base). Where they describe one product, each adds what those before it lack. An item
/// without an id has the handle in its address; a page's only item that of the page.
structured_page read_structured_data(const html_document& page, const std::string& address,
                                     const std::string& base);

}  // namespace catwalk::scrape
