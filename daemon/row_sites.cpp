#include "daemon/row_sites.hpp"

#include <string>

#include "config/letter_case.hpp"

namespace catwalk::daemon {

namespace {

/// What a host, a brand and a country say for a site: each more than those after it together.
constexpr int same_host = 4;
constexpr int same_brand = 2;
constexpr int same_country = 1;

std::string text(const nlohmann::json& columns, const char* name) {
  const auto found = columns.find(name);
  return found != columns.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool same_words(const std::string& a, const std::string& b) {
  return !a.empty() && config::lower_case(a) == config::lower_case(b);
}

/// What the rows of a site have as their source: as in scrape::normalise.
std::string source_of(const config::site& site) {
  return site.source.empty() ? "scraper" : site.source;
}

}  // namespace

row_sites::row_sites(const std::vector<config::site>& sites) : sites_(sites), hosts_(sites) {}

int row_sites::nearness(const config::site& site, const nlohmann::json& columns) const {
  int near = 0;
  if (hosts_.names(site, text(columns, "product_url"))) near += same_host;
  if (same_words(site.brand, text(columns, "brand"))) near += same_brand;
  if (same_words(site.country, text(columns, "country"))) near += same_country;
  return near;
}

const config::site* row_sites::find(const nlohmann::json& columns) const {
  const std::string source = text(columns, "source");
  const config::site* nearest = nullptr;
  int best = 0;
  int sharing = 0;
  for (const auto& site : sites_) {
    if (source_of(site) != source) continue;
    ++sharing;
    const int near = nearness(site, columns);
    if (nearest != nullptr && near <= best) continue;
    nearest = &site;
    best = near;
  }
  return sharing == 1 || best > same_country ? nearest : nullptr;
}

}  // namespace catwalk::daemon
