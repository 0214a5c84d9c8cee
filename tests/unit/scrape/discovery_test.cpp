#include "scrape/discovery.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using scrape::discovered_endpoints;
using list = std::vector<std::string>;

namespace {

constexpr const char* answer_url = "https://shop.example/us/en/categories?ajax=true";
constexpr const char* answer = R"({"categories": [
  {"id": 11, "url": "/c/men", "sub": [{"id": "12"}, {"id": "x-13"}]}, {"id": 14, "url": "https://other.example/c"}]})";

config::located_text at(std::string text) {
  return {std::move(text), {"sites.yaml", 3, 5}};
}

}  // namespace

TEST_CASE("discovery: addresses in a JSON answer") {
  config::category_discovery discovery;
  discovery.items_path = {at("nothing[]"), at("categories[]")};
  discovery.url_path = at("url");
  CHECK(*discovered_endpoints(answer, discovery, answer_url) ==
        list{"https://shop.example/c/men", "https://other.example/c"});
}

TEST_CASE("discovery: ids in a JSON answer") {
  config::category_discovery discovery;
  discovery.items_path = {at("categories[]")};
  discovery.url_template = "/us/en/category/{id}/products?ajax=true";
  // Without id_path every numeric id counts.
  CHECK(*discovered_endpoints(answer, discovery, answer_url) ==
        list{"https://shop.example/us/en/category/11/products?ajax=true",
             "https://shop.example/us/en/category/12/products?ajax=true",
             "https://shop.example/us/en/category/14/products?ajax=true"});
  discovery.id_path = at("sub[].id");
  CHECK(*discovered_endpoints(answer, discovery, answer_url) ==
        list{"https://shop.example/us/en/category/12/products?ajax=true",
             "https://shop.example/us/en/category/x-13/products?ajax=true"});
}

TEST_CASE("discovery: an answer that names no category is an error") {
  config::category_discovery discovery;
  discovery.url_path = at("url");
  CHECK(discovered_endpoints("[]", discovery, answer_url).error().code == errc::not_found);
  CHECK(discovered_endpoints("<html>", discovery, answer_url).error().code == errc::malformed);
}

TEST_CASE("discovery: links on a page") {
  const std::string page =
      R"(<base href="https://shop.example/us/en/"><nav><a href="man-shirts-l737.html?v1=2431994#x">Shirts</a>
    <a href="man-shirts-l737.html?v1=2431994">again</a><a href="/us/en/woman-l1000.html?v1=99">Woman</a><a href="/help">Help</a></nav>)";
  config::category_discovery_html discovery;
  discovery.category_link_selector = at("nav a");
  discovery.link_href_filter = "-l";
  CHECK(*discovered_endpoints(page, "text/html", discovery, answer_url) ==
        list{"https://shop.example/us/en/man-shirts-l737.html?v1=2431994&ajax=true",
             "https://shop.example/us/en/woman-l1000.html?v1=99&ajax=true"});
  discovery.product_api_from_category = true;
  CHECK(*discovered_endpoints(page, "text/html", discovery, answer_url) ==
        list{"https://shop.example/us/en/category/737/products?ajax=true",
             "https://shop.example/us/en/category/1000/products?ajax=true"});
  discovery.extract_category_query_param = "v1";
  CHECK(*discovered_endpoints(page, "text/html", discovery, answer_url) ==
        list{"https://shop.example/us/en/category/2431994/products?ajax=true",
             "https://shop.example/us/en/category/99/products?ajax=true"});
  discovery.extract_category_id_regex = at("man-shirts-l([0-9]+)");
  CHECK(discovered_endpoints(page, "text/html", discovery, answer_url)->front() ==
        "https://shop.example/us/en/category/737/products?ajax=true");
  discovery.link_href_filter = "nowhere";
  CHECK(discovered_endpoints(page, "text/html", discovery, answer_url).error().code == errc::not_found);
}

TEST_CASE("discovery: what does not parse is named with its place") {
  config::api_source api;
  api.discover_categories.emplace();
  api.discover_categories->items_path = {at("a[")};
  api.discover_categories->id_path = at("b..c");
  api.discover_categories_html.emplace();
  api.discover_categories_html->category_link_selector = at("a:nope");
  api.discover_categories_html->extract_category_id_regex = at("(");
  const auto found = scrape::check_discovery(api);
  REQUIRE(found.size() == 5);
  for (const auto& one : found) CHECK(one.severity == config::problem::level::error);
  CHECK(found[4].where.column == 6);
}
