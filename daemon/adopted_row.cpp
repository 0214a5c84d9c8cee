#include "daemon/adopted_row.hpp"

#include <algorithm>

#include "config/letter_case.hpp"
#include "core/sha256.hpp"
#include "core/url.hpp"

namespace catwalk::daemon {
namespace {

using nlohmann::json;

std::optional<std::string> text(const json& columns, const char* name) {
  const auto found = columns.find(name);
  if (found == columns.end() || !found->is_string() || found->get_ref<const std::string&>().empty())
    return std::nullopt;
  return found->get<std::string>();
}

bool same(const std::string& a, const std::optional<std::string>& b) {
  return b && !a.empty() && config::lower_case(a) == config::lower_case(*b);
}

std::string source_of(const config::site& site) {
  return site.source.empty() ? "scraper" : site.source;
}

/// The part of a host that a shop's addresses share: `zara.com` of `www.zara.com`.
std::string shop_of(const std::string& url) {
  auto host = host_of(url);
  if (host.rfind("www.", 0) == 0) host.erase(0, 4);
  return host;
}

bool has_host(const config::site& site, const std::string& shop) {
  std::vector<std::string> addresses;
  const auto add = [&](const std::vector<config::located_text>& list) {
    for (const auto& one : list) addresses.push_back(one.text);
  };
  if (site.api) {
    add(site.api->endpoints);
    addresses.push_back(site.api->product_url_template);
  }
  if (site.html) {
    add(site.html->category_urls);
    add(site.html->sitemaps);
  }
  if (site.shopify) addresses.push_back(site.shopify->url.text);
  if (site.sitemap) add(site.sitemap->urls);
  if (site.feed) add(site.feed->urls);
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](const auto& a) { return !a.empty() && shop_of(a) == shop; });
}

template <class Check>
const config::site* only_one(const std::vector<const config::site*>& sites, Check check) {
  const config::site* found = nullptr;
  for (const auto* site : sites) {
    if (!check(*site)) continue;
    if (found != nullptr) return nullptr;
    found = site;
  }
  return found;
}

}  // namespace

const config::site* site_of_row(const json& columns, const std::vector<config::site>& sites) {
  const auto source = text(columns, "source");
  std::vector<const config::site*> candidates;
  for (const auto& site : sites)
    if (same(source_of(site), source)) candidates.push_back(&site);
  if (candidates.size() == 1) return candidates.front();
  const auto brand = text(columns, "brand");
  const auto merchant = text(columns, "merchant_name");
  const auto country = text(columns, "country");
  const auto named = [&](const config::site& s) {
    return same(s.name, brand) || same(s.brand, brand) || same(s.merchant, merchant) ||
           same(s.brand, merchant);
  };
  if (const auto* site = only_one(candidates, named)) return site;
  const auto at_home = [&](const config::site& s) { return named(s) && same(s.country, country); };
  if (const auto* site = only_one(candidates, at_home)) return site;
  const auto url = text(columns, "product_url");
  if (!url) return nullptr;
  const auto shop = shop_of(*url);
  return only_one(candidates, [&](const config::site& s) { return has_host(s, shop); });
}

std::optional<product> product_of_row(const storage::stored_row& row, const config::site& site,
                                      const std::string& layout) {
  const auto& c = row.columns;
  product p;
  p.site = site_name(site.name);
  p.source = text(c, "source").value_or(source_of(site));
  p.external_id = text(c, "external_id").value_or("");
  if (layout == "2025-10") {
    if (p.external_id.empty()) return std::nullopt;
    p.id = product_id(sha256_hex(p.source + ':' + p.external_id));
  } else {
    p.id = product_id(row.id);
  }
  p.product_url = text(c, "product_url").value_or("");
  p.image_url = text(c, "image_url").value_or("");
  p.raw_image_url = p.image_url;
  p.title = text(c, "title").value_or("");
  p.description = text(c, "description");
  p.brand = text(c, "brand");
  p.category = text(c, "category");
  p.gender = text(c, "gender");
  p.price = text(c, "price");
  p.sale = text(c, "sale");
  p.country = text(c, "country").value_or(site.country);
  p.availability = text(c, "availability").value_or("unknown");
  return p;
}

}  // namespace catwalk::daemon
