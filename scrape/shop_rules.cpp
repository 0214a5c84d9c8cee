#include "scrape/shop_rules.hpp"

#include <algorithm>

#include "core/url.hpp"

namespace catwalk::scrape {
namespace {

// Zara's category numbers, as the predecessor named them.
const std::map<std::string, std::string>& zara_categories() {
  static const std::map<std::string, std::string> names{
      {"2443335", "clothing"},
      {"2418883", "leather"},
      {"2419032", "coats"},
      {"2419045", "puffers"},
      {"2420306", "knitwear"},
      {"2420942", "blazers"},
      {"2420896", "dresses, jumpsuits"},
      {"2419940", "tops"},
      {"2420490", "bodysuits"},
      {"2420285", "co-ords"},
      {"2419844", "cardigans, sweaters"},
      {"2420795", "trousers"},
      {"2420369", "shirts"},
      {"2417772", "jackets"},
      {"2467841", "sweatshirts, sweatpants"},
      {"2419185", "jeans"},
      {"2420417", "tshirts"},
      {"2420454", "skirts, shorts"},
      {"2419160", "footwear"},
      {"2417728", "bags"},
      {"2418989", "accessories, jewelry"},
      {"2419807", "lingerie"},
      {"2419833", "perfumes"},
      {"2418919", "beauty"},
  };
  return names;
}

// Zara's pictures of the garment alone, and of it worn.
const std::vector<std::string> zara_images{"-e1", "-ult21", "-s"};

bool under_domain(std::string_view host, std::string_view domain) {
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.';
}

}  // namespace

bool is_zara_address(std::string_view address) {
  const std::string host = host_of(address);
  return under_domain(host, "zara.com") || under_domain(host, "zara.net");
}

shop_rules rules_for(const config::site& site) {
  shop_rules rules;
  if (site.api) {
    const auto& endpoints = site.api->endpoints;
    rules.zara = std::any_of(endpoints.begin(), endpoints.end(),
                             [](const config::located_text& e) { return is_zara_address(e.text); });
  }
  // Formats that are known say how they write prices; elsewhere the predecessor's rule of thumb holds.
  const bool major = site.shopify || site.sitemap || site.feed;
  const auto usual = rules.zara ? config::price_unit::minor
                     : major    ? config::price_unit::major
                                : config::price_unit::guess;
  rules.price_unit = site.price.value_or(usual);
  if (site.image_url_contains_set || !site.image_url_contains.empty()) {
    rules.image_url_contains = site.image_url_contains;
  } else if (rules.zara) {
    rules.image_url_contains = zara_images;
  }
  if (!site.category_names.empty()) {
    rules.category_names = site.category_names;
  } else if (rules.zara) {
    rules.category_names = zara_categories();
  }
  return rules;
}

std::string category_name(const shop_rules& rules, std::string_view endpoint) {
  constexpr std::string_view marker = "/category/";
  for (std::size_t at = endpoint.find(marker); at != std::string_view::npos;
       at = endpoint.find(marker, at + 1)) {
    const std::string_view rest = endpoint.substr(at + marker.size());
    const std::size_t end = rest.find_first_not_of("0123456789");
    if (end == 0 || end == std::string_view::npos || rest[end] != '/') continue;
    const auto name = rules.category_names.find(std::string(rest.substr(0, end)));
    return name == rules.category_names.end() ? std::string() : name->second;
  }
  return {};
}

}  // namespace catwalk::scrape
