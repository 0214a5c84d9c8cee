#include "storage/sync_guard.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using strings = std::vector<std::string>;

TEST_CASE("the guard permits a fraction of a site's rows, and more only by the exact number") {
  const sync_guard guard({0.3, 20, 1});
  CHECK(guard.most({"us", 1000, 0}) == 300);
  CHECK(guard.most({"us", 3, 0}) == 6);
  CHECK(guard.decide({{"us", 1000, 300}}).permitted == std::vector<bool>{true});
  const auto held = guard.decide({{"us", 1000, 301}, {"cz", 1000, 5}});
  CHECK(held.permitted == std::vector<bool>{false, true});
  CHECK(held.gone == 306);
  CHECK(held.held_back == 301);
  const std::vector<sync_guard::scope> question{{"us", 1000, 301}, {"cz", 1000, 5}};
  CHECK(sync_guard({0.3, 20, 1}, 306).decide(question).permitted == std::vector<bool>{true, true});
  CHECK(sync_guard({0.3, 20, 1}, 301).decide(question).permitted == std::vector<bool>{false, true});
  CHECK(sync_guard({0.3, 20, 1}, 1'000'000).decide(question).permitted == std::vector<bool>{false, true});
  CHECK(sync_guard({0, 20, 1}).decide({{"us", 1000, 1}}).permitted == std::vector<bool>{false});
  CHECK(sync_guard({1, 20, 1}).decide({{"us", 1000, 1000}}).permitted == std::vector<bool>{true});
}

TEST_CASE("a product is gone after as many runs as the settings say") {
  const sync_guard guard({0.3, 20, 3});
  CHECK_FALSE(guard.counts_as_gone(0));
  CHECK_FALSE(guard.counts_as_gone(2));
  CHECK(guard.counts_as_gone(3));
}

namespace {

struct sync_fixture : state_fixture {
  sync_request request{sync_request::kind::remove, {1, 0, 1}, std::nullopt, true};

  static std::vector<product> items(int from, int to) {
    std::vector<product> all;
    for (int i = from; i < to; ++i) all.push_back(make(std::to_string(i)));
    return all;
  }
  static std::string listing(int endpoint) { return "https://shop.test/list" + std::to_string(endpoint); }

  sync_outcome sync(run_id run, std::vector<endpoint_reading> endpoints) {
    site_listing read{run, site_name("Shop"), std::move(endpoints)};
    return value_of(wait_for(products.sync(std::move(read), request)));
  }
  /// What is not gone.
  strings present() {
    auto work = [](sqlite::connection& c) -> result<strings> {
      strings ids;
      auto s = c.prepare("select id from products where gone_at is null order by id");
      while (s.step()) ids.push_back(s.text(0));
      return ids;
    };
    return value_of(wait_for(db->internals().read(work)));
  }
};

}  // namespace

TEST_CASE_METHOD(sync_fixture, "what a complete listing no longer holds leaves the sink") {
  auto run = begin();
  commit(run, items(0, 4));
  CHECK(sync(run, {{listing(0), true}}).gone == 0);
  run = begin();
  commit(run, items(1, 4));
  CHECK(sync(run, {{listing(0), true}}).gone == 1);
  CHECK(present() == strings{"id-1", "id-2", "id-3"});
  CHECK(outbox().at(0) == "id-0:delete:0:0");
  run = begin();
  const auto counts = commit(run, items(0, 4));
  CHECK(counts.reappeared == 1);
  CHECK(sync(run, {{listing(0), true}}).gone == 0);
  CHECK(outbox().at(0).substr(0, 12) == "id-0:upsert:");
}

TEST_CASE_METHOD(sync_fixture, "an image that was due when its product went is due when it is back") {
  auto run = begin();
  commit(run, items(0, 4));
  sync(run, {{listing(0), true}});
  fail(make("1").image_url, wall_now() - std::chrono::minutes(1));
  fail(make("2").image_url);  // given up
  const auto before = due();
  CHECK(before == strings{make("0").image_url, make("3").image_url, make("1").image_url});
  run = begin();
  commit(run, items(4, 5));
  CHECK(sync(run, {{listing(0), true}}).gone == 4);
  CHECK(due() == strings{make("4").image_url});
  run = begin();
  SECTION("on the listing that its row is from") {
    commit(run, items(0, 5));
  }
  SECTION("on another listing") {
    execute("update products set endpoint_index = 1");
    commit(run, items(0, 5));
  }
  CHECK(due().size() == 4);
  CHECK(outbox().at(0) == "id-0:upsert:" + outbox().at(3).substr(12));
  embed(make("0").image_url, {1, 2});
  embed(make("1").image_url, {1, 2});
  CHECK(outbox().at(0) == "id-0:upsert:3:0");
  CHECK(outbox().at(1) == "id-1:upsert:3:0");
}

TEST_CASE_METHOD(sync_fixture, "an unchanged page keeps what it listed") {
  auto run = begin();
  commit(run, items(0, 3));
  sync(run, {{listing(0), true}});
  run = begin();
  commit_unchanged(run);
  CHECK(sync(run, {{listing(0), true}}).gone == 0);
}

TEST_CASE_METHOD(sync_fixture, "an incomplete listing keeps all that it used to hold, others go on") {
  auto run = begin();
  commit(run, items(0, 4), 0);
  commit(run, items(4, 8), 1);
  sync(run, {{listing(0), true}, {listing(1), true}});
  run = begin();
  commit(run, items(0, 3), 0);
  commit(run, items(4, 5), 1);  // its first page, without what moved to the pages that did not come
  CHECK(sync(run, {{listing(0), true}, {listing(1), false}}).gone == 1);
  CHECK(present() == strings{"id-0", "id-1", "id-2", "id-4", "id-5", "id-6", "id-7"});
  run = begin();
  commit(run, items(0, 3), 0);
  commit(run, items(4, 6), 1);
  CHECK(sync(run, {{listing(0), true}, {listing(1), true}}).gone == 2);
  CHECK(present() == strings{"id-0", "id-1", "id-2", "id-4", "id-5"});
}

TEST_CASE_METHOD(sync_fixture, "a listing that the site no longer has keeps nothing") {
  auto run = begin();
  commit(run, items(0, 4), 0);
  commit(run, items(3, 6), 1);
  sync(run, {{listing(0), true}, {listing(1), true}});
  run = begin();
  commit(run, items(0, 4), 0);
  // What leads to the listings did not come: the second one may still be there.
  CHECK(sync(run, {{listing(0), true}, {"https://shop.test/categories", false}}).gone == 0);
  run = begin();
  commit(run, items(0, 4), 0);
  CHECK(sync(run, {{listing(0), true}, {"https://shop.test/categories", true}}).gone == 2);
  CHECK(present() == strings{"id-0", "id-1", "id-2", "id-3"});
}

TEST_CASE_METHOD(sync_fixture, "a retired listing, refused or empty for ever, holds nothing else up") {
  auto run = begin();
  commit(run, items(0, 4), 0);
  commit(run, items(4, 8), 1);
  commit(run, items(8, 10), 2);
  sync(run, {{listing(0), true}, {listing(1), true}, {listing(2), true}});
  run = begin();
  commit(run, items(0, 3), 0);
  commit(run, {}, 1);
  CHECK(sync(run, {{listing(0), true}, {listing(1), true}}).gone == 3);
  CHECK(present() == strings{"id-0", "id-1", "id-2", "id-4", "id-5", "id-6", "id-7"});
  run = begin();
  commit(run, items(0, 2), 0);
  CHECK(sync(run, {{listing(0), true}, {listing(1), false}}).gone == 1);
  CHECK(present() == strings{"id-0", "id-1", "id-4", "id-5", "id-6", "id-7"});
}

TEST_CASE_METHOD(sync_fixture, "a product of two sites stays while one of them lists it") {
  auto run = begin();
  commit(run, items(0, 2));
  sync(run, {{listing(0), true}});
  page_commit other;
  other.run = run;
  other.page.site = site_name("Other");
  other.page.endpoint = other.page.url = "https://other.test/list";
  auto shared = make("0");
  shared.site = site_name("Other");
  other.products = {shared};
  value_of(wait_for(products.commit_page(std::move(other))));
  run = begin();
  commit(run, items(1, 2));
  CHECK(sync(run, {{listing(0), true}}).gone == 0);
  CHECK(present() == strings{"id-0", "id-1"});
}

TEST_CASE_METHOD(sync_fixture, "products go after the runs that must miss them, counted in a row") {
  request.guard.after_missed_runs = 2;
  auto run = begin();
  commit(run, items(0, 3));
  sync(run, {{listing(0), true}});
  const auto miss = [&] {
    run = begin();
    commit(run, items(1, 3));
    return sync(run, {{listing(0), true}});
  };
  CHECK(miss().missed == 1);
  run = begin();
  commit(run, items(0, 3));
  sync(run, {{listing(0), true}});
  CHECK(miss().missed == 1);
  CHECK(miss().gone == 1);
}

TEST_CASE_METHOD(sync_fixture, "above the guard's fraction nothing goes; the exact number lets it") {
  request.guard = {0.3, 0, 1};
  auto run = begin();
  commit(run, items(0, 10));
  sync(run, {{listing(0), true}});
  run = begin();
  commit(run, items(0, 6));
  const auto held = sync(run, {{listing(0), true}});
  CHECK(held.gone == 0);
  CHECK(held.held_back == 4);
  CHECK(held.gone_in_all == 4);
  REQUIRE(held.held.size() == 1);
  CHECK(held.held[0].country == "us");
  CHECK(held.held[0].rows == 10);
  CHECK(held.held[0].most == 3);
  request.allow_deletes = 5;
  run = begin();
  commit(run, items(0, 6));
  CHECK(sync(run, {{listing(0), true}}).gone == 0);
  request.allow_deletes = 4;
  run = begin();
  commit(run, items(0, 6));
  CHECK(sync(run, {{listing(0), true}}).gone == 4);
}

TEST_CASE_METHOD(sync_fixture,
                 "a skipped item is not gone, a run without sync only counts, mark keeps the row") {
  auto run = begin();
  commit(run, items(0, 3));
  sync(run, {{listing(0), true}});
  run = begin();
  page_commit page;
  page.run = run;
  page.page.site = site_name("Shop");
  page.page.endpoint = page.page.url = listing(0);
  page.products = items(0, 1);
  page.page.listed = {product_id("id-0")};
  page.page.skipped = {{"no price", "1", product_id("id-1")}, {"no price", "2", product_id("id-unheard-of")}};
  page.fingerprint = "tower";
  value_of(wait_for(products.commit_page(std::move(page))));
  request.action = sync_request::kind::count;
  CHECK(sync(run, {{listing(0), true}}).gone == 0);
  CHECK(present().size() == 3);
  request.action = sync_request::kind::mark;
  run = begin();
  commit_unchanged(run);
  CHECK(sync(run, {{listing(0), true}}).gone == 1);
  CHECK(present() == strings{"id-0", "id-1"});
  CHECK(outbox().at(2).substr(0, 12) == "id-2:upsert:");
}

TEST_CASE_METHOD(sync_fixture, "a preview says what a sync would do and does nothing") {
  request.guard = {0.3, 0, 1};
  auto run = begin();
  commit(run, items(0, 4), 0);
  commit(run, items(4, 8), 1);
  sync(run, {{listing(0), true}, {listing(1), true}});
  site_listing read{0, site_name("Shop"), {{listing(0), true}, {listing(1), false}}};
  std::vector<product_id> seen{product_id("id-0"), product_id("id-1"), product_id("id-4")};
  const auto preview = value_of(wait_for(products.preview_sync(read, seen, request)));
  CHECK(preview.outcome.gone == 2);
  REQUIRE(preview.gone.size() == 2);
  CHECK(preview.gone[0].id.str() == "id-2");
  CHECK(preview.gone[0].title == "Product 2");
  CHECK(present().size() == 8);
}
