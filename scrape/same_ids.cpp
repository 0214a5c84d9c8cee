#include "scrape/same_ids.hpp"

#include <map>
#include <set>
#include <string>

#include "core/url.hpp"

namespace catwalk::scrape {
namespace {

std::set<std::string> hosts_of(const config::site& site) {
  std::set<std::string> hosts;
  const auto add = [&](const std::vector<config::located_text>& addresses) {
    for (const config::located_text& address : addresses) {
      std::string host = host_of(address.text);
      if (host.starts_with("www.")) host.erase(0, 4);
      if (!host.empty()) hosts.insert(std::move(host));
    }
  };
  if (site.api) add(site.api->endpoints);
  if (site.html) add(site.html->category_urls);
  if (site.html) add(site.html->sitemaps);
  if (site.shopify) add({site.shopify->url});
  if (site.sitemap) add(site.sitemap->urls);
  if (site.feed) add(site.feed->urls);
  return hosts;
}

}  // namespace

config::problems check_same_ids(const std::vector<config::site>& sites) {
  config::problems found;
  std::map<std::pair<std::string, std::string>, const config::site*> first_by_source_and_host;
  for (const config::site& site : sites) {
    for (const std::string& host : hosts_of(site)) {
      const auto [first, is_first] = first_by_source_and_host.try_emplace({site.source, host}, &site);
      const config::site& other = *first->second;
      if (is_first || other.country == site.country) continue;
      found.push_back({config::problem::level::error, site.where,
                       "site '" + site.name + "' gives its products the ids of '" + other.name +
                           "': both have source '" + site.source + "' and read " + host +
                           ", for the countries '" + other.country + "' and '" + site.country + "'",
                       "give one of them another source:"});
      break;
    }
  }
  return found;
}

}  // namespace catwalk::scrape
