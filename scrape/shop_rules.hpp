#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/site.hpp"

namespace catwalk::scrape {

/// Whether the address belongs to Zara: zara.com, zara.net and what is under them.
bool is_zara_address(std::string_view address);

/// How a site's items are read: its own settings, else what is built in for its shop, else the general rule.
struct shop_rules {
  bool zara = false;  ///< an endpoint is Zara's
  config::price_unit price_unit = config::price_unit::guess;
  std::vector<std::string> image_url_contains;        ///< any of; empty: no filter
  std::map<std::string, std::string> category_names;  ///< number in `/category/N/` to name
};

shop_rules rules_for(const config::site& site);

/// The name of an endpoint's category by the number in `/category/N/`; empty where there is none.
std::string category_name(const shop_rules& rules, std::string_view endpoint);

}  // namespace catwalk::scrape
