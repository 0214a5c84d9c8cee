#include "storage/catalogue_browser.hpp"

#include "storage/failures.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;

namespace {

struct browser_fixture : state_fixture {
  catalogue_browser browser{db};

  std::vector<std::string> found(product_filter filter, int limit = 100,
                                 std::optional<std::int64_t> after = std::nullopt) {
    std::vector<std::string> ids;
    for (const auto& p : value_of(wait_for(browser.products(std::move(filter), limit, after))))
      ids.push_back(p.item.external_id);
    return ids;
  }
};

product with(product p, const char* category, const char* amount, const char* sale = nullptr) {
  p.category = category;
  p.price_amount = amount;
  if (sale) p.sale_amount = sale;
  p.currency = "USD";
  return p;
}

using ids = std::vector<std::string>;

}  // namespace

TEST_CASE("the catalogue comes in pages by key, the latest found first") {
  browser_fixture f;
  f.commit(f.begin(), {f.make("a"), f.make("b"), f.make("c"), f.make("d")});
  const auto first = value_of(wait_for(f.browser.products({}, 2, std::nullopt)));
  REQUIRE(first.size() == 2);
  CHECK(first[0].item.external_id == "d");
  CHECK(f.found({}, 2, first[1].number) == ids{"b", "a"});
  CHECK(value_of(wait_for(f.browser.count({}))) == 4);
}

TEST_CASE("filters narrow together") {
  browser_fixture f;
  auto shirt = with(f.make("shirt"), "Shirts", "49.90"), cheap = with(f.make("cheap"), "shirts", "60", "9.5");
  auto shoe = with(f.make("shoe"), "Shoes", "120");
  shoe.gender = "women";
  shoe.brand = "Étoile";
  shoe.availability = "out_of_stock";
  f.commit(f.begin(), {shirt, cheap, shoe, f.make("bare")});
  product_filter filter;
  filter.category = "SHIRTS";
  CHECK(f.found(filter) == ids{"cheap", "shirt"});
  filter.max_price = 10;
  CHECK(f.found(filter) == ids{"cheap"});
  filter = {};
  filter.min_price = 9.5;
  CHECK(f.found(filter) == ids{"shoe", "cheap", "shirt"});
  filter.words = {"product", "étoile"};
  CHECK(f.found(filter).empty());  // letters beyond ASCII compare as they are
  filter.words = {"product", "Étoile", "sHOe"};
  CHECK(f.found(filter) == ids{"shoe"});
  filter.site = "Another";
  CHECK(f.found(filter).empty());
  filter = {};
  filter.availability = "out_of_stock";
  filter.gender = "Women";
  CHECK(f.found(filter) == ids{"shoe"});
  CHECK(value_of(wait_for(f.browser.count(filter))) == 1);
  const auto facets = value_of(wait_for(f.browser.facets("Shop")));
  REQUIRE(facets.currencies.size() == 1);
  CHECK(facets.currencies[0].count == 3);
  CHECK(facets.categories.size() == 3);
  CHECK(value_of(wait_for(f.browser.facets("Another"))).sites.empty());
}

TEST_CASE("a search looks among what the filter lets through") {
  browser_fixture f;
  auto near = with(f.make("near"), "Shoes", "10"), far = with(f.make("far"), "Shirts", "20");
  f.commit(f.begin(), {near, far});
  f.embed(near.image_url, {1, 0});
  f.embed(far.image_url, {0, 1});
  product_filter filter;
  filter.category = "shirts";
  auto found = value_of(wait_for(f.products.nearest_of({1, 0}, 5, "tower", filter)));
  REQUIRE(found.size() == 1);
  CHECK(found[0].item.external_id == "far");
  filter.category = "hats";
  CHECK(value_of(wait_for(f.products.nearest_of({1, 0}, 5, "tower", filter))).empty());
  CHECK(value_of(wait_for(f.products.nearest_of({1, 0}, 5, "tower", {}))).size() == 2);
}

TEST_CASE("stock counts a site's products by what their pictures came to") {
  browser_fixture f;
  auto bare = f.make("bare");
  bare.image_url.clear();
  f.commit(f.begin(), {f.make("a"), f.make("b"), bare});
  f.embed(f.make("a").image_url, {1, 0});
  auto stock = value_of(wait_for(f.browser.stock()));
  CHECK(stock["Shop"].products == 3);
  CHECK(stock["Shop"].with_image == 2);
  CHECK(stock["Shop"].vectors["ready"] == 1);
  CHECK_FALSE(stock["Shop"].last_success);
}

TEST_CASE("runs are found by site, and with the one before") {
  browser_fixture f;
  const auto end = [&](run_id run, const char* site, run_state state) {
    const auto counts = std::string(R"({"sites":[{"site":")") + site + "\"}]}";
    value_of(wait_for(f.products.end_run(run, state, counts, "[]")));
    return run;
  };
  const auto first = end(f.begin(), "A", run_state::done), cut = end(f.begin(), "A", run_state::cancelled),
             last = end(f.begin(), "B", run_state::partly);
  const auto runs = value_of(wait_for(f.browser.runs(10, std::nullopt, "A")));
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].summary.state == run_state::cancelled);
  CHECK(value_of(wait_for(f.browser.runs(10, last, std::nullopt))).size() == 2);
  CHECK(value_of(wait_for(f.browser.run_before(last)))->summary.id == first);
  CHECK_FALSE(value_of(wait_for(f.browser.run_before(first))));
  CHECK_FALSE(value_of(wait_for(f.browser.run(999))));
  auto latest = value_of(wait_for(f.browser.latest_runs()));
  CHECK(latest["A"].id == cut);
  CHECK(latest["B"].id == last);
}
