#include "scrape/json_reach.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scrape/jmespath.hpp"
#include "scrape/json_document.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using nlohmann::json;

namespace {

const char* const shop = R"({
  "more": true, "noise": {"a": [1, 2, {"b": 3}], "name": "not this"},
  "groups": [
    {"noise": [[]], "items": [{"id": 1, "name": "Coat", "sizes": [{"name": "S", "stock": 1}, {"name": "M"}],
                               "prices": {"eur": {"amount": 10}, "usd": {"amount": 12}}, "noise": 0},
                              {"id": 2, "name": null, "sizes": [], "tags": ["a", "b"]}]},
    {"items": null}, {"items": [{"id": 3, "name": "Hat"}]}
  ]})";

json pruned(const scrape::json_reach& reach) {
  auto document = scrape::parse_json_document(shop, "shop", scrape::max_json_depth, &reach);
  REQUIRE(document.has_value());
  return std::move(*document);
}

}  // namespace

TEST_CASE("every expression finds in what it reaches of a document what it finds in the whole") {
  const json whole = json::parse(shop);
  for (const char* text : {"groups[].items[].name",
                           "groups[0].items[-1].id",
                           "groups[*].items[?id > `1`].name",
                           "groups[].items[].prices.*.amount",
                           "groups[].items[].{id: id, size: sizes[0].name}",
                           "groups[].items[].[id, name]",
                           "sort_by(groups[].items[], &id)[].name",
                           "more && groups[0].items[0].id",
                           "missing || groups[1]",
                           "length(groups[].items[])",
                           "groups[].items[] | [0].sizes[].name",
                           "@",
                           "groups[?items[?name == 'Hat']].items[].id",
                           "not_null(nothing, groups[0].items[0].tags)",
                           "keys(noise)",
                           "max_by(groups[].items[], &id).name",
                           "groups[].items[].tags | []",
                           "map(&name, groups[].items[])",
                           "!noise.b",
                           "groups[::2].items[].id",
                           "to_string(noise.a)",
                           "merge(noise, {x: more})",
                           "`1`",
                           "groups[].items[?sizes[?name == 'M']].id",
                           "groups[].items[].prices.eur.amount | sum(@)"}) {
    INFO(text);
    const auto expression = scrape::jmespath::compile(text);
    REQUIRE(expression.has_value());
    scrape::json_reach reach;
    scrape::take_whole(expression->reach({&reach}));
    CHECK(*expression->search(pruned(reach)) == *expression->search(whole));
  }
}

TEST_CASE("what nobody looks at is not built, and containers on the way are") {
  scrape::json_reach reach;
  const auto items = scrape::jmespath::compile("groups[].items[]")->reach({&reach});
  scrape::take_whole(scrape::jmespath::compile("sizes[].name")->reach(items));
  CHECK(pruned(reach) ==
        json::parse(R"({"groups": [{"items": [{"sizes": [{"name": "S"}, {"name": "M"}]}, {"sizes": []}]},
                                   {"items": null}, {"items": [{}]}]})"));
}

TEST_CASE("what is left out still counts for the depth limit, and has to be JSON") {
  const scrape::json_reach nothing;
  const std::string deep = R"({"a": )" + std::string(600, '[') + std::string(600, ']') + "}";
  const auto refused = scrape::parse_json_document(deep, "deep", 512, &nothing);
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == errc::too_large);
  CHECK(scrape::parse_json_document(R"({"a": [1, 2)", "cut", 512, &nothing).has_error());
  CHECK(*scrape::parse_json_document(R"({"a": [1, 2], "b": "x"})", "whole", 512, &nothing) == json::object());
}
