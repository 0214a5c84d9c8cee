// A real page of Zara's, and the rows that the predecessor made of it with its own sites.yaml of two dates.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "config/load.hpp"
#include "scrape/api_reader.hpp"
#include "scrape/block_page.hpp"
#include "scrape/source.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using nlohmann::json;

namespace {

const std::string endpoint = "https://www.zara.com/us/en/category/2443335/products?ajax=true";

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The predecessor's own file of that date, where the machine has it; else its Zara entry, for which the rows
/// were made.
config::site zara_site(const std::string& yaml) {
  auto loaded = config::parse_sites(yaml, "sites.yaml");
  for (const auto& problem : loaded.found) {
    INFO(config::to_string(problem));
    CHECK(problem.severity == config::problem::level::warning);
  }
  const auto zara = std::find_if(loaded.sites.begin(), loaded.sites.end(),
                                 [](const config::site& site) { return site.brand == "Zara"; });
  REQUIRE(zara != loaded.sites.end());
  return *zara;
}

scrape::page_answer read_page(const config::site& site, const std::string& body) {
  CHECK(scrape::check_site(site).empty());
  const auto reader = scrape::api_reader::compile(site);
  REQUIRE(reader);
  auto answer = reader->read(body, {endpoint, 0, {endpoint, ""}});
  REQUIRE(answer);
  CHECK(answer->warnings.empty());
  CHECK(answer->items == 12);
  CHECK(answer->next);
  CHECK(answer->skipped.empty());
  REQUIRE(answer->products.size() == 12);
  return std::move(*answer);
}

json or_null(const std::optional<std::string>& text) {
  return text ? json(*text) : json(nullptr);
}

// The fields of Zara's entry that both dates share.
const std::string common_yaml = R"(
- brand: Zara
  merchant: Zara
  source: scraper
  country: us
  respect_robots: false
  api:
    endpoints: ["https://www.zara.com/us/en/category/2443335/products?ajax=true"]
    items_path: ["productGroups[].elements[].commercialComponents[]", "productGroups[].elements[]", "products[]"]
    product_url_template: "https://www.zara.com/us/en/{keyword}-p{id}.html?v1={discern_id}"
    field_map:
      external_id: "seo.discernProductId"
      product_id: "seo.discernProductId"
      title: "name"
      color_names: ["detail.colors[].name", "detail.colors[].colorName"]
      gender: ["sectionName", "section", "familyName"]
      price: "price"
      currency: "'USD'"
      seo_keyword: "seo.keyword"
      seo_product_id: "id"
      product_url: null
      brand: "'Zara'"
      availability: "availability"
)";

const std::string yaml_2026 = common_yaml + R"(
      description: ["detail.description", "detail.longDescription", "seo.jsonLd.description", "description"]
      sale: ["salePrice", "sale_price", "sale"]
      country: "'w'"
      image_url: ["detail.colors[].xmedia[] | [0].extraInfo.deliveryUrl", "detail.colors[].xmedia[] | [0].url"]
      _xmedia_urls:
        - "detail.colors[].xmedia[].extraInfo.deliveryUrl"
        - "detail.colors[].xmedia[].url"
        - "detail.colors[].xmedia[].path"
        - "xmedia[].url"
)";

const std::string yaml_2025 = common_yaml + R"(
      description: ["seo.jsonLd.description", "detail.colors[].name | [0]", "description"]
      image_url: ["detail.colors[].xmedia[].url | [0]", "xmedia[].url | [0]"]
)";

void check_2026(const scrape::page_answer& answer, const json& rows) {
  for (std::size_t i = 0; i < answer.products.size(); ++i) {
    const product& p = answer.products[i];
    const json& row = rows.at(i);
    INFO(p.title);
    CHECK(p.id.str() == row.at("id"));
    CHECK(p.source == row.at("source"));
    CHECK(p.title == row.at("title"));
    CHECK(or_null(p.description) == row.at("description"));
    CHECK(or_null(p.brand) == row.at("brand"));
    CHECK(p.image_url == row.at("image_url"));
    CHECK(p.raw_image_url == row.at("image_url"));
    CHECK(p.product_url == row.at("product_url"));
    CHECK(or_null(p.affiliate_url) == row.at("affiliate_url"));
    CHECK(p.second_hand == row.at("second_hand"));
    CHECK(or_null(p.price) == row.at("price"));
    CHECK(or_null(p.sale) == row.at("sale"));
    CHECK(or_null(p.gender) == row.at("gender"));
    CHECK(or_null(p.category) == row.at("category"));
    CHECK(p.metadata == json::parse(row.at("metadata").get<std::string>()));
    CHECK(p.info_text() == row.at("_info_text"));
    // The predecessor's list holds the main picture at another width, and the path of its folder, which is no
    // picture.
    CHECK(p.additional_images.empty());
  }
}

void check_2025(const scrape::page_answer& answer, const json& rows) {
  for (std::size_t i = 0; i < answer.products.size(); ++i) {
    const product& p = answer.products[i];
    const json& row = rows.at(i);
    const json& metadata = row.at("metadata");
    INFO(p.title);
    CHECK(p.source == row.at("source"));
    CHECK(p.external_id == row.at("external_id"));
    CHECK(or_null(p.merchant) == row.at("merchant_name"));
    CHECK(p.title == row.at("title"));
    CHECK(or_null(p.brand) == row.at("brand"));
    CHECK(json::parse(p.price_amount.value()) == row.at("price"));
    CHECK(or_null(p.currency) == row.at("currency"));
    CHECK(p.country == row.at("country"));
    CHECK(p.raw_image_url == row.at("image_url"));
    std::string filled = row.at("image_url");
    filled.replace(filled.find("{width}"), 7, "800");
    CHECK(p.image_url == filled);
    CHECK(p.product_url == row.at("product_url"));
    CHECK(or_null(p.affiliate_url) == row.at("affiliate_url"));
    CHECK(p.availability == row.at("availability"));
    CHECK(or_null(p.raw_gender) == row.at("gender"));
    CHECK(json(p.color_names) == row.at("color_names"));
    // That layout takes the colours' names out of the description, and the title where nothing remains.
    CHECK(or_null(p.description) == row.at("color_names").at(0));
    CHECK(row.at("description") == row.at("title"));
    CHECK(p.raw_item == metadata.at("_raw_item"));
    CHECK(p.endpoint == metadata.at("endpoint"));
    CHECK(p.raw_item.at("price") == metadata.at("original_price"));
  }
}

}  // namespace

TEST_CASE("Zara's page gives the predecessor's rows of February 2026") {
  const auto folder = tests::suite("shops/zara/category_sample_12");
  if (!folder) return;
  const auto answer = read_page(zara_site(yaml_2026), read_text(*folder / "products_ajax.json"));
  check_2026(answer, tests::read_json(*folder / "predecessor_rows_2026-02.json").at("rows"));
}

TEST_CASE("Zara's page gives the predecessor's rows of October 2025") {
  const auto folder = tests::suite("shops/zara/category_sample_12");
  if (!folder) return;
  const auto answer = read_page(zara_site(yaml_2025), read_text(*folder / "products_ajax.json"));
  check_2025(answer, tests::read_json(*folder / "predecessor_rows_2025-10.json").at("rows"));
}

TEST_CASE("the predecessor's own sites files give those rows too") {
  const auto folder = tests::suite("shops/zara/category_sample_12");
  if (!folder) return;
  const auto files = folder->parent_path().parent_path().parent_path().parent_path() / "predecessor";
  if (!std::filesystem::exists(files)) {
    WARN("SKIPPED: the predecessor's sites files are not beside the suites");
    return;
  }
  const std::string body = read_text(*folder / "products_ajax.json");
  const auto of_2026 = zara_site(read_text(files / "sites-2026-02.yaml"));
  CHECK(of_2026.api->endpoints.size() == 24);
  check_2026(read_page(of_2026, body),
             tests::read_json(*folder / "predecessor_rows_2026-02.json").at("rows"));
  const auto of_2025 = zara_site(read_text(files / "sites-2025-10.yaml"));
  check_2025(read_page(of_2025, body),
             tests::read_json(*folder / "predecessor_rows_2025-10.json").at("rows"));
}

TEST_CASE("a real block page of Zara's is recognised") {
  const auto folder = tests::suite("shops/zara/akamai_block_page");
  if (!folder) return;
  http_response response;
  response.status = 200;
  response.body = read_text(*folder / "zara_page.html");
  CHECK(scrape::recognise_block_page(response) ==
        "an Akamai block page, reference 18.ae760740.1752867090.51034ca8");
}
