#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "scrape/card_grid.hpp"

namespace catwalk::scrape {

// Stanzas of sites.yaml that may fit an address. Each is text to be tried and pasted: what `probe` prints has
// been read with.

/// What every stanza begins with. `name` is also its brand.
struct stanza_head {
  std::string name;
  std::string source;    ///< unique to the shop: its host's name
  std::string currency;  ///< empty: the items name it
};

/// The head for an address: "https://www.acme-shop.example/x" is "Acme Shop", source "acme-shop.example".
stanza_head head_for(std::string_view address);

std::string shopify_stanza(const stanza_head& head, const std::string& shop, const std::string& collection);
std::string feed_stanza(const stanza_head& head, const std::string& address);
/// What an `html` stanza says beyond the page's address. Without any of it the page's products, or links to
/// them, stand in it for machines.
struct html_choice {
  std::string product_link_selector;  ///< of links to product pages; empty: none
  std::optional<card_grid> grid;
  bool use_browser = false;
};
std::string html_stanza(const stanza_head& head, const std::string& address, const html_choice& choice = {});
std::string sitemap_stanza(const stanza_head& head, const std::string& address);

/// Looks for products in a JSON answer: the list whose objects have an id, a price and a picture. nullopt
/// where none does.
std::optional<std::string> api_stanza(const stanza_head& head, const std::string& address,
                                      const nlohmann::json& document);

}  // namespace catwalk::scrape
