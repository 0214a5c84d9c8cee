#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "config/load.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace catwalk::config;

/// The predecessor's own files, which lie beside the third-party suites.
std::filesystem::path predecessor_folder() {
  const char* suites = std::getenv("CATWALK_SUITES");
  if (!suites || !*suites) return {};
  const auto folder = std::filesystem::path(suites) / "../predecessor";
  return std::filesystem::exists(folder) ? folder : std::filesystem::path();
}

loaded_sites read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  return parse_sites(std::string{std::istreambuf_iterator<char>(file), {}}, path.filename().string());
}

}  // namespace

TEST_CASE("the predecessor's sites files load without a word") {
  const auto folder = predecessor_folder();
  if (folder.empty()) {
    WARN("skipped: CATWALK_SUITES is not set, or has no ../predecessor");
    return;
  }
  struct expectation {
    const char* file;
    std::size_t sites;
  };
  for (const auto& [file, sites] :
       {expectation{"sites-2025-10.yaml", 1}, expectation{"sites-2025-11.yaml", 12},
        expectation{"sites-2026-02.yaml", 1}}) {
    const loaded_sites loaded = read(folder / file);
    for (const auto& problem : loaded.found) UNSCOPED_INFO(to_string(problem));
    CHECK(loaded.found.empty());
    CHECK(loaded.sites.size() == sites);
    for (const auto& site : loaded.sites) {
      INFO(site.name);
      CHECK(site.stanza_hash.size() == 64);
      CHECK(site.source == "scraper");
      CHECK(site.respect_robots == false);
      CHECK(site.debug);
      CHECK((site.api || site.html));
    }
  }
}

TEST_CASE("Zara's stanza of 2026 is read in full") {
  const auto folder = predecessor_folder();
  if (folder.empty()) {
    WARN("skipped: CATWALK_SUITES is not set, or has no ../predecessor");
    return;
  }
  const loaded_sites loaded = read(folder / "sites-2026-02.yaml");
  REQUIRE(loaded.sites.size() == 1);
  REQUIRE(loaded.sites[0].api);
  const api_source& api = *loaded.sites[0].api;
  CHECK(loaded.sites[0].where.line == 2);
  CHECK(api.endpoints.size() == 24);
  CHECK(api.endpoints[0].text == "https://www.zara.com/us/en/category/2443335/products?ajax=true");
  CHECK(api.endpoints[0].where.line == 10);
  CHECK(api.endpoints[0].where.column == 9);
  CHECK(api.items_path.size() == 3);
  CHECK(api.headers.size() == 4);
  CHECK(api.headers[0].first == "User-Agent");
  CHECK(api.prewarm.size() == 4);
  CHECK(api.debug);
  CHECK(api.product_url_template == "https://www.zara.com/us/en/{keyword}-p{id}.html?v1={discern_id}");
  std::map<std::string, std::size_t> fields;
  for (const auto& [field, expressions] : api.field_map) fields[field] = expressions.size();
  CHECK(fields["_xmedia_urls"] == 5);
  CHECK(fields["description"] == 4);
  REQUIRE(fields.count("product_url") == 1);
  CHECK(fields["product_url"] == 0);
  CHECK(api.field_map[0].first == "external_id");
  CHECK(api.field_map[0].second[0].text == "seo.discernProductId");
}
