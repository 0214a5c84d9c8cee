#include "storage/product_events.hpp"

#include <fstream>

#include "storage/catalogue_browser.hpp"
#include "storage/state_maintenance.hpp"
#include "storage/state_schema.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

/// "kind price availability" of each change, oldest first.
strings history(state_fixture& state, const std::string& external_id) {
  strings told;
  for (const auto& one : state.entry(external_id).history)
    told.push_back(one.kind + " " + one.offer.price.value_or("-") + " " + one.offer.availability);
  return told;
}

product item(const std::string& price, const std::string& availability = "in_stock") {
  auto p = state_fixture::make("a", price);
  p.price_amount = price.substr(0, price.size() - 3);
  p.availability = availability;
  return p;
}

void sync_away(state_fixture& state, run_id run) {
  sync_request request{sync_request::kind::remove, {1, 0, 1}, std::nullopt, true};
  site_listing read{run, site_name("Shop"), {{"https://shop.test/list0", true}}};
  value_of(wait_for(state.products.sync(std::move(read), request)));
}

}  // namespace

TEST_CASE_METHOD(state_fixture,
                 "a product's history tells its prices, its stock, that it went and came back") {
  auto run = begin();
  commit(run, {item("10USD"), make("b")});
  end(run);
  CHECK(history(*this, "a") == strings{"new 10USD in_stock"});
  run = begin();
  commit(run, {item("10USD"), make("b")});  // nothing changed
  commit_unchanged(run);
  auto retold = item("10USD");
  retold.title = "Told in other words";
  commit(run, {retold, make("b")});
  end(run);
  CHECK(history(*this, "a").size() == 1);

  for (const auto& [price, stock] :
       std::vector<std::pair<std::string, std::string>>{{"8USD", "in_stock"}, {"8USD", "out_of_stock"}}) {
    run = begin();
    commit(run, {item(price, stock), make("b")});
    end(run);
  }
  run = begin();
  commit(run, {make("b")});
  sync_away(*this, run);
  end(run);
  run = begin();
  commit(run, {item("12USD"), make("b")});
  end(run);
  CHECK(history(*this, "a") == strings{"new 10USD in_stock", "price 8USD in_stock",
                                       "availability 8USD out_of_stock", "gone 8USD out_of_stock",
                                       "back 12USD in_stock"});
  CHECK(history(*this, "b") == strings{"new 10USD unknown"});

  catalogue_browser browser(db);
  const auto listed = value_of(wait_for(browser.products({}, 10, std::nullopt)));
  REQUIRE(listed.size() == 2);
  CHECK_FALSE(listed[0].price_changed);
  CHECK(listed[1].price_changed == entry("a").history[1].at);
  embed("https://shop.test/i/a.jpg", {1, 2});
  const auto found = value_of(wait_for(products.nearest({1, 2}, 1, "tower", std::nullopt)));
  REQUIRE(found.size() == 1);
  CHECK(found[0].price_changed == entry("a").history[1].at);
  CHECK(found[0].first_seen == entry("a").first_seen);
  CHECK(found[0].last_seen == entry("a").last_seen);
}

TEST_CASE_METHOD(state_fixture,
                 "another listing of the run in which a product came is no change of its price") {
  auto run = begin();
  commit(run, {item("10USD")}, 0);
  commit(run, {item("9USD")}, 1);
  end(run);
  CHECK(history(*this, "a") == strings{"new 9USD in_stock"});
  run = begin();
  commit(run, {item("10USD")}, 0);
  commit(run, {item("9USD")}, 1);
  end(run);
  CHECK(history(*this, "a").size() == 1);
  // It left the higher listing.
  run = begin();
  commit(run, {item("10USD")}, 0);
  end(run);
  CHECK(history(*this, "a") == strings{"new 9USD in_stock", "price 10USD in_stock"});
}

TEST_CASE_METHOD(state_fixture, "a price that is no UTF-8 begins a history as it is kept, and is no change") {
  auto run = begin();
  commit(run, {item("10\xFFUSD")});
  end(run);
  run = begin();
  auto retold = item("10\xFFUSD");
  retold.title = "Told in other words";
  commit(run, {retold});
  end(run);
  CHECK(history(*this, "a") == strings{"new 10\uFFFDUSD in_stock"});
}

TEST_CASE_METHOD(state_fixture, "a page that was not committed leaves no trace in the history") {
  const auto run = begin();
  commit(run, {item("10USD")});
  execute("create trigger t before insert on pages begin select raise(abort, 'no'); end");
  page_commit page;
  page.run = run;
  page.page.site = site_name("Shop");
  page.page.url = page.page.endpoint = "https://shop.test/list0";
  page.products = {item("1USD")};
  const auto refused = wait_for(products.commit_page(std::move(page)));
  CHECK_FALSE(refused);
  CHECK(history(*this, "a") == strings{"new 10USD in_stock"});
}

TEST_CASE_METHOD(state_fixture, "retention bounds a history and leaves the price of its beginning") {
  for (const char* price : {"10USD", "9USD", "8USD", "7USD"}) {
    const auto run = begin();
    commit(run, {item(price)});
    end(run);
  }
  execute("update events set at = number * 1000");
  const retention_limits limits{10'000h, 10'000h, 10s};
  // All but the last are older than ten seconds; the second of them is the price that the third follows.
  const auto pruned = value_of(wait_for(prune_state(db, limits, from_millis(13'500))));
  CHECK(pruned.events == 2);
  CHECK(history(*this, "a") == strings{"price 8USD in_stock", "price 7USD in_stock"});
  execute("update products set gone_at = 1");
  execute("delete from outbox");
  value_of(wait_for(prune_state(db, limits, wall_now())));
  auto work = [](sqlite::connection& c) -> result<std::int64_t> {
    auto s = c.prepare("select count(*) from events");
    s.step();
    return s.integer(0);
  };
  CHECK(value_of(wait_for(db->internals().read(work))) == 0);
}

TEST_CASE("a state of the version before gets a history that begins with what it holds") {
  temporary_folder folder;
  const auto file = folder.path() / "catwalk.sqlite3";
  std::ofstream(file).close();
  {
    sqlite::connection old(file, sqlite::connection::mode::read_write);
    REQUIRE(migrate(old, file, state_migrations().first(3)));
    old.execute(
        "insert into products (id, site, endpoint_index, fields, field_hash, image_url, first_seen, "
        "last_seen, "
        "last_run, row_run, gone_at, vector_state) values "
        "('id-a', 'Shop', 0, "
        "'{\"id\":\"id-a\",\"site\":\"Shop\",\"price\":\"10USD\",\"availability\":\"in_stock\"}', "
        "'h', '', 1000, 5000, 1, 1, null, 'none'), "
        "('id-b', 'Shop', 0, '{\"id\":\"id-b\",\"site\":\"Shop\",\"availability\":\"unknown\"}', "
        "'h', '', 1000, 4000, 1, 1, 6000, 'none')");
  }
  auto db = open_state(folder.path());
  CHECK(std::filesystem::exists(file.string() + ".before-v4"));
  auto work = [](sqlite::connection& c)
      -> result<std::pair<std::vector<product_change>, std::vector<product_change>>> {
    return std::pair(changes_of(c, product_id("id-a")), changes_of(c, product_id("id-b")));
  };
  const auto [a, b] = value_of(wait_for(db->internals().read(work)));
  REQUIRE(a.size() == 1);
  CHECK(a[0].kind == "first");
  CHECK(a[0].at == from_millis(5000));
  CHECK(a[0].offer.price == "10USD");
  CHECK(a[0].offer.availability == "in_stock");
  REQUIRE(b.size() == 2);
  CHECK(b[0].kind == "first");
  CHECK(b[1].kind == "gone");
  CHECK(b[1].at == from_millis(6000));
  CHECK_FALSE(b[1].offer.price);
}
