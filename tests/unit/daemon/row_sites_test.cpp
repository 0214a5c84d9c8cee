#include "daemon/row_sites.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::daemon;

namespace {

config::site site(std::string name, std::string source, std::string host, std::string country = "") {
  config::site made;
  made.name = made.brand = std::move(name);
  made.source = std::move(source);
  made.country = std::move(country);
  made.sitemap.emplace().urls.push_back({"https://" + host + "/sitemap.xml", {}});
  return made;
}

std::string found(const std::vector<config::site>& sites, const nlohmann::json& columns) {
  const auto* of_row = row_sites(sites).find(columns);
  return of_row == nullptr ? "" : of_row->name + " " + of_row->country;
}

}  // namespace

TEST_CASE("a row is its source's site, and of several that share one the nearest") {
  const std::vector<config::site> sites{
      site("Acme", "acme", "acme.example"), site("Best", "scraper", "best.example", "us"),
      site("Best", "scraper", "best.example", "cz"), site("Crew", "", "crew.example")};
  CHECK(found(sites, {{"source", "acme"}}) == "Acme ");
  CHECK(found(sites, {{"source", "acme"}, {"product_url", "https://best.example/p/1"}}) == "Acme ");
  CHECK(found(sites, {{"source", "scraper"}, {"brand", "crew"}}) == "Crew ");
  CHECK(found(sites, {{"source", "scraper"}, {"product_url", "https://crew.example/p/1"}}) == "Crew ");
  CHECK(
      found(sites, {{"source", "scraper"}, {"product_url", "https://crew.example/p/1"}, {"brand", "Best"}}) ==
      "Crew ");
  CHECK(found(sites, {{"source", "scraper"}, {"brand", "BEST"}, {"country", "CZ"}}) == "Best cz");
  CHECK(
      found(sites, {{"source", "scraper"}, {"product_url", "https://best.example/p/1"}, {"country", "cz"}}) ==
      "Best cz");
}

TEST_CASE("a row that no site or no single one claims has none") {
  const std::vector<config::site> sites{site("Best", "scraper", "best.example", "us"),
                                        site("Crew", "scraper", "crew.example", "cz")};
  CHECK(found(sites, {{"source", "scraper"}}).empty());
  CHECK(found(sites, {{"source", "scraper"}, {"country", "us"}}).empty());
  CHECK(found(sites, {{"source", "other"}, {"brand", "Best"}}).empty());
  CHECK(found(sites, {{"source", nullptr}, {"brand", 3}}).empty());
  CHECK(found({}, nlohmann::json::object()).empty());
}
