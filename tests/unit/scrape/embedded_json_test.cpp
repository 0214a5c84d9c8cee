#include "scrape/embedded_json.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using nlohmann::json;

TEST_CASE("embedded JSON: scripts by their id, variables by their name") {
  const std::string page = R"(<title>Shop</title>
    <script id="__NEXT_DATA__" type="application/json">{"props": {"products": [{"id": 1}]}}</script>
    <script>var a = 1; if (a == {}) {} window.__STATE__ = {"items": [1, 2, ], "note": "a = {1}; </b>"}; next();
      function f(x) { return x; } let list=[3];cart = {open: true}; window.__STATE__ = {"second": 1}</script>
    <script type="application/ld+json">{"@type": "Product"}</script>
    <script id=broken type="application/json">{"cut": </script>)";
  CHECK(catwalk::scrape::embedded_json(page, "text/html", "page") ==
        json({{"__NEXT_DATA__", {{"props", {{"products", {{{"id", 1}}}}}}}},
              {"__STATE__", {{"items", {1, 2}}, {"note", "a = {1}; </b>"}}},
              {"list", {3}}}));
}

TEST_CASE("embedded JSON: a page without any, and one that never ends") {
  CHECK(catwalk::scrape::embedded_json("<h1>Access Denied</h1>", "", "page").empty());
  std::string endless = "<script>";
  for (int i = 0; i < 20'000; ++i) endless += "a" + std::to_string(i) + "={";
  CHECK(catwalk::scrape::embedded_json(endless, "", "page").empty());
}
