// Real pages of Shopify's /products.json, against plain facts that were derived from them independently, and
// against the rows that were read through once.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "core/sha256.hpp"
#include "scrape/shopify_reader.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using nlohmann::json;

namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  // Some captures begin with a note of where they are from.
  if (text.starts_with("//")) text.erase(0, text.find('\n') + 1);
  return text;
}

scrape::page_answer read_capture(const std::filesystem::path& path, const std::string& currency) {
  static config::site site;
  site.name = site.brand = "Shop";
  site.source = "compat";
  site.currency = currency;
  site.shopify.emplace();
  site.shopify->url = {"https://shop.example", {}};
  const auto reader = scrape::shopify_reader::compile(site);
  REQUIRE(reader);
  auto answer = reader->read(
      read_text(path),
      {"https://shop.example/products.json", 0, {"https://shop.example/products.json?limit=250", ""}});
  INFO(path);
  REQUIRE(answer);
  return std::move(*answer);
}

double number(const std::string& text) {
  return std::stod(text);
}

void check_facts(const scrape::page_answer& answer, const json& expected) {
  std::map<std::string, const product*> by_id;
  for (const product& p : answer.products) by_id[p.external_id] = &p;
  for (const json& facts : expected.at("products")) {
    INFO(facts.dump());
    const auto found = by_id.find(facts.at("id").dump());
    const bool has_price = facts.at("price_max").is_number() && facts.at("price_max") > 0;
    const bool usable = !facts.at("images").empty() && has_price;
    CHECK((found != by_id.end()) == usable);
    if (found == by_id.end()) continue;
    const product& p = *found->second;
    const auto trimmed = [](std::string text) {
      while (!text.empty() && text.back() == ' ') text.pop_back();
      return text.substr(std::min(text.find_first_not_of(' '), text.size()));
    };
    CHECK(p.title == trimmed(facts.at("title")));
    CHECK(p.brand.value_or("") == trimmed(facts.at("vendor")));
    CHECK(p.product_url.starts_with("https://shop.example/products/"));
    CHECK(p.availability == (facts.at("any_available") == true ? "in_stock" : "out_of_stock"));
    const double paid = number(p.sale ? *p.sale_amount : *p.price_amount);
    CHECK(paid >= facts.at("price_min").get<double>());
    CHECK(paid <= facts.at("price_max").get<double>());
    if (facts.at("compare_at_max").is_null()) CHECK_FALSE(p.sale);
    if (p.sale) CHECK(number(*p.price_amount) > paid);
    if (p.sale) CHECK(number(*p.price_amount) <= facts.at("compare_at_max").get<double>());
    CHECK(p.image_url == facts.at("images").at(0));
    for (const std::string& one : p.additional_images)
      CHECK(std::find(facts.at("images").begin(), facts.at("images").end(), one) != facts.at("images").end());
  }
}

/// One line for all rows, so that a change of any is seen; the rows go to a file to be read through.
std::string digest(const scrape::page_answer& answer, const std::string& name) {
  json rows = json::array();
  for (const product& p : answer.products) rows.push_back(to_json(p));
  if (const char* folder = std::getenv("CATWALK_SNAPSHOTS"))
    std::ofstream(std::filesystem::path(folder) / (name + ".json")) << rows.dump(1);
  return std::to_string(rows.size()) + " " + sha256_hex(rows.dump()).substr(0, 16);
}

struct capture {
  const char* file;
  const char* currency;
  const char* digest;  ///< number of rows, and a hash over them; set anew only after reading them through
};

}  // namespace

TEST_CASE("real Shopify pages give the rows that their facts ask for") {
  const auto folder = tests::suite("shops/shopify");
  if (!folder) return;
  for (const auto& [file, currency, wanted] : {
           capture{"nilkamal_2/shopify_products", "INR", "2 e7bba557609c9f91"},
           capture{"localboxes_17/products", "EUR", "17 2284d09a8b21bbe1"},
           capture{"mylubie_30/shopify_products", "EUR", "25 de67e857ca6a58d4"},
           capture{"electricals_mixed/tv", "GBP", "30 c1661372a77d7b6c"},
           capture{"electricals_mixed/air fryer", "GBP", "30 ca99d2c1f44f6476"},
           capture{"electricals_mixed/headphones", "GBP", "30 3c6cdec1dd5f67d5"},
           capture{"electricals_mixed/tv gaming bumdles", "GBP", "5 7111e38a9fc67839"},
           capture{"electricals_mixed/vmax", "CHF", "262 afe29a27013c7fe2"},
       }) {
    INFO(file);
    const auto answer = read_capture(*folder / (std::string(file) + ".json"), currency);
    check_facts(answer, tests::read_json(*folder / (std::string(file) + ".expected.json")));
    std::string name = file;
    std::replace(name.begin(), name.end(), '/', '-');
    CHECK(digest(answer, name) == wanted);
  }
}
