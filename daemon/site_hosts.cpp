#include "daemon/site_hosts.hpp"

#include <algorithm>

#include "core/url.hpp"

namespace catwalk::daemon {

namespace {

template <class Add>
void addresses_of(const config::html_source& html, const Add& add) {
  for (const auto* list : {&html.category_urls, &html.sitemaps, &html.prewarm})
    for (const auto& address : *list) add(address.text);
}

template <class Add>
void addresses_of(const config::api_source& api, const Add& add) {
  for (const auto* list : {&api.endpoints, &api.prewarm})
    for (const auto& address : *list) add(address.text);
  if (api.discover_categories) add(api.discover_categories->endpoint.text);
  if (api.discover_categories_html)
    for (const auto& page : api.discover_categories_html->category_pages) add(page.text);
  add(api.product_url_template);
  if (api.fallback_html) addresses_of(*api.fallback_html, add);
}

}  // namespace

site_hosts::site_hosts(const std::vector<config::site>& sites) {
  for (const auto& site : sites) {
    const auto add = [&](const std::string& address) {
      // A template's braces stand in no host; what follows the host does not matter.
      const auto authority = address.find("://");
      if (authority == std::string::npos) return;
      if (auto host = host_of(address.substr(0, address.find('/', authority + 3))); !host.empty())
        hosts_.emplace(std::move(host), &site);
    };
    if (site.api) addresses_of(*site.api, add);
    if (site.html) addresses_of(*site.html, add);
    if (site.shopify) add(site.shopify->url.text);
    if (site.sitemap)
      for (const auto& address : site.sitemap->urls) add(address.text);
    if (site.feed)
      for (const auto& address : site.feed->urls) add(address.text);
  }
}

const config::site* site_hosts::find(std::string_view address) const {
  // Of equal keys the first that came.
  const auto [first, end] = hosts_.equal_range(host_of(address));
  return first == end ? nullptr : first->second;
}

bool site_hosts::names(const config::site& site, std::string_view address) const {
  const auto [first, end] = hosts_.equal_range(host_of(address));
  return std::any_of(first, end, [&](const auto& named) { return named.second == &site; });
}

}  // namespace catwalk::daemon
