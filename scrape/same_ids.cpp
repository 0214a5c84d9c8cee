#include "scrape/same_ids.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

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
  const auto refuse = [&](const config::site& site, std::string what, std::string hint) {
    found.push_back({config::problem::level::error, site.where, std::move(what), std::move(hint)});
  };
  std::map<std::pair<std::string, std::string>, const config::site*> first_by_source_and_host;
  for (const config::site& site : sites) {
    const auto& all = site.countries;
    if (!all.empty() && std::find(all.begin(), all.end(), site.country) == all.end())
      refuse(site, "countries of site '" + site.name + "' lacks its own country '" + site.country + "'", "");
    for (const std::string& host : hosts_of(site)) {
      const auto [first, is_first] = first_by_source_and_host.try_emplace({site.source, host}, &site);
      const config::site& other = *first->second;
      if (is_first || other.country == site.country) continue;
      if (!all.empty() && all == other.countries) continue;
      std::string what = "site '" + site.name;
      what.append("' gives its products the ids of '").append(other.name);
      what.append("': both have source '").append(site.source).append("' and read ").append(host);
      what.append(", for the countries '").append(other.country).append("' and '").append(site.country);
      what.append("'");
      const bool neither = all.empty() && other.countries.empty();
      refuse(site, std::move(what),
             neither ? "give one of them another source:, or both the same countries: for prices in one row"
                     : "give both the same countries:");
      break;
    }
  }
  return found;
}

}  // namespace catwalk::scrape
