#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scrape/html_document.hpp"

namespace catwalk::scrape {

/// Products that a page shows side by side, as selectors of the `html` kind.
struct card_grid {
  std::string product_selector;  ///< finds the cards
  /// Field and selector, as `product_selectors` has them.
  std::vector<std::pair<std::string, std::string>> product_selectors;
  std::string currency;   ///< as the prices' sign says it; empty: it says none
  std::size_t cards = 0;  ///< found on the page
};

/// Looks for a grid of product cards: elements that are alike by name and class, at least three of them with
/// a link, a picture and a price each, the links leading to different places. The largest such grid; nullopt
/// where there is none.
std::optional<card_grid> find_card_grid(const html_document& page);

}  // namespace catwalk::scrape
