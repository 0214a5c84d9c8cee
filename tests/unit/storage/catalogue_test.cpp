#include "storage/catalogue.hpp"

#include <algorithm>

#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using strings = std::vector<std::string>;

TEST_CASE_METHOD(state_fixture, "a new product waits for its vector and goes out with it") {
  const auto run = begin();
  const auto counts = commit(run, {make("a"), make("b")});
  CHECK(counts.added == 2);
  CHECK(counts.images_due == 2);
  CHECK(outbox() == strings{"id-a:upsert:1:1", "id-b:upsert:1:1"});
  CHECK(due() == strings{"https://shop.test/i/a.jpg", "https://shop.test/i/b.jpg"});
  CHECK(entry("a").vector_state == "pending");

  embed("https://shop.test/i/a.jpg", {1, 2, 3});
  CHECK(outbox() == strings{"id-a:upsert:3:0", "id-b:upsert:1:1"});
  CHECK(due() == strings{"https://shop.test/i/b.jpg"});
  CHECK(entry("a").vector_state == "ready");
  CHECK(entry("a").vector->values == std::vector<float>{1, 2, 3});

  fail("https://shop.test/i/b.jpg");
  CHECK(outbox() == strings{"id-a:upsert:3:0", "id-b:upsert:1:0"});
  CHECK(due().empty());
  CHECK(entry("b").vector_state == "failed");
  CHECK(entry("b").vector_error.find("404") != std::string::npos);
}

TEST_CASE_METHOD(state_fixture, "a second run over the same page writes nothing and embeds nothing") {
  auto run = begin();
  commit(run, {make("a"), make("b")});
  embed("https://shop.test/i/a.jpg", {1, 2});
  embed("https://shop.test/i/b.jpg", {3, 4});
  end(run);
  execute("delete from outbox");
  const auto before = entry("a");

  run = begin();
  const auto counts = commit(run, {make("a"), make("b")});
  CHECK(counts.added + counts.changed + counts.images_due == 0);
  CHECK(counts.unchanged == 2);
  CHECK(commit_unchanged(run).unchanged == 2);
  end(run);
  CHECK(outbox().empty());
  CHECK(due().empty());
  CHECK(entry("a").last_seen >= before.last_seen);
  CHECK(entry("a").first_seen == before.first_seen);
}

TEST_CASE_METHOD(state_fixture, "a changed price goes out without its vector") {
  auto run = begin();
  commit(run, {make("a")});
  embed("https://shop.test/i/a.jpg", {1, 2});
  end(run);
  execute("delete from outbox");
  run = begin();
  CHECK(commit(run, {make("a", "9USD")}).changed == 1);
  CHECK(outbox() == strings{"id-a:upsert:1:0"});
  CHECK(entry("a").item.price == "9USD");
  CHECK(entry("a").vector_state == "ready");
}

TEST_CASE_METHOD(state_fixture,
                 "a changed image is held until its vector is there, or keeps the old one as stale") {
  auto run = begin();
  commit(run, {make("a"), make("b")});
  embed("https://shop.test/i/a.jpg", {1, 2});
  embed("https://shop.test/i/b.jpg", {3, 4});
  end(run);
  execute("delete from outbox");
  run = begin();
  auto a = make("a"), b = make("b");
  a.image_url = "https://shop.test/i/a2.jpg";
  b.image_url = "https://shop.test/i/b2.jpg";
  CHECK(commit(run, {a, b}).images_due == 2);
  CHECK(outbox() == strings{"id-a:upsert:1:1", "id-b:upsert:1:1"});
  CHECK(entry("a").vector->values == std::vector<float>{1, 2});
  embed(a.image_url, {5, 6});
  CHECK(entry("a").vector->values == std::vector<float>{5, 6});
  const auto later = wall_now() + std::chrono::hours(1);
  fail(b.image_url, later);
  CHECK(outbox() == strings{"id-a:upsert:3:0", "id-b:upsert:1:0"});
  CHECK(entry("b").vector_state == "stale");
  CHECK(entry("b").vector->values == std::vector<float>{3, 4});
  CHECK(due().empty());
  CHECK(due(later) == strings{b.image_url});
  CHECK(value_of(wait_for(products.counts())).vectors_stale == 1);
}

TEST_CASE_METHOD(state_fixture,
                 "of several listings the last one wins, whatever order their pages arrive in") {
  auto in_list = [](int index) {
    auto p = make("a");
    p.category = "list " + std::to_string(index);
    return p;
  };
  auto run = begin();
  SECTION("in order") {
    commit(run, {in_list(0)}, 0);
    commit(run, {in_list(1)}, 1);
  }
  SECTION("in reverse") {
    commit(run, {in_list(1)}, 1);
    commit(run, {in_list(0)}, 0);
  }
  CHECK(entry("a").item.category == "list 1");
  embed("https://shop.test/i/a.jpg", {1, 2});
  end(run);
  CHECK(entry("a").item.category == "list 1");
  execute("delete from outbox");

  // The next run writes nothing, in either order, also where one page is unchanged.
  for (const bool reverse : {false, true}) {
    run = begin();
    if (reverse) commit_unchanged(run, 1);
    commit(run, {in_list(0)}, 0);
    if (!reverse) commit(run, {in_list(1)}, 1);
    end(run);
    CHECK(outbox().empty());
    CHECK(entry("a").item.category == "list 1");
  }

  // It left the last list: the row is that of the list that still has it.
  run = begin();
  commit(run, {in_list(0)}, 0);
  CHECK(outbox().empty());
  end(run);
  CHECK(outbox() == strings{"id-a:upsert:1:0"});
  CHECK(entry("a").item.category == "list 0");
}

TEST_CASE_METHOD(state_fixture,
                 "a run that broke off does not take rows from listings that it did not reach") {
  auto high = make("a"), low = make("a");
  high.category = "high";
  low.category = "low";
  auto run = begin();
  commit(run, {high}, 1);
  end(run);
  run = begin();
  commit(run, {low}, 0);
  end(run, run_state::interrupted);
  CHECK(entry("a").item.category == "high");
}

namespace {

struct listings_fixture : state_fixture {
  static product in(const std::string& category) {
    auto p = make("a");
    p.category = category;
    return p;
  }
  /// Ends a run that has read the listings whose outcomes are given.
  void settle(run_id run, const std::vector<bool>& complete) {
    site_listing read{run, site_name("Shop"), {}};
    for (const bool one : complete)
      read.endpoints.push_back({"https://shop.test/list" + std::to_string(read.endpoints.size()), one});
    value_of(wait_for(products.settle_run(run, {read})));
    end(run, run_state::partly);
  }
};

}  // namespace

TEST_CASE_METHOD(listings_fixture, "a listing that did not come through keeps its rows for one run") {
  auto run = begin();
  commit(run, {in("high")}, 1);
  settle(run, {true, true});
  embed(make("a").image_url, {1, 2});
  execute("delete from outbox");
  run = begin();
  commit(run, {in("low")}, 0);
  // It was refused, or the run did not come to it.
  settle(run, GENERATE(std::vector<bool>{true, false}, std::vector<bool>{}));
  CHECK(entry("a").item.category == "high");
  CHECK(outbox().empty());
  value_of(wait_for(products.close_interrupted_runs()));

  run = begin();
  SECTION("then it has the product") {
    commit_unchanged(run, 0);
    commit_unchanged(run, 1);
    settle(run, {true, true});
    CHECK(entry("a").item.category == "high");
    CHECK(outbox().empty());
    run = begin();
    settle(run, {true, false});
    CHECK(entry("a").item.category == "high");
  }
  SECTION("then it has it no longer") {
    commit_unchanged(run, 0);
    commit(run, {}, 1);
    settle(run, {true, true});
    CHECK(entry("a").item.category == "low");
    CHECK(outbox() == strings{"id-a:upsert:1:0"});
  }
  SECTION("then it does not come through again") {
    SECTION("and the other is unchanged") {
      commit_unchanged(run, 0);
      settle(run, {true, false});
      CHECK(entry("a").item.category == "low");
    }
    SECTION("and the other changed once more") {
      commit(run, {in("lower")}, 0);
      settle(run, {true, false});
      CHECK(entry("a").item.category == "lower");
    }
    CHECK(outbox() == strings{"id-a:upsert:1:0"});
  }
  SECTION("then its product is gone") {
    commit(run, {make("b")}, 0);
    site_listing read{run, site_name("Shop"), {{"https://shop.test/list0", true}}};
    sync_request request{sync_request::kind::remove, {1, 0, 1}, std::nullopt, true};
    CHECK(value_of(wait_for(products.sync(read, request))).gone == 1);
    run = begin();
    settle(run, {true});
    CHECK(outbox().at(0) == "id-a:delete:0:0");
  }
  SECTION("which other sites' runs do not count as") {
    site_listing other{run, site_name("Other"), {{"https://other.test", true}}};
    value_of(wait_for(products.settle_run(run, {other})));
    end(run);
    CHECK(entry("a").item.category == "high");
  }
}

TEST_CASE_METHOD(listings_fixture,
                 "a listing that came through gives up its rows whatever became of others") {
  auto run = begin();
  commit(run, {in("high")}, 1);
  commit(run, {make("b")}, 2);
  settle(run, {true, true, true});
  run = begin();
  commit(run, {in("low")}, 0);
  commit(run, {}, 1);
  settle(run, {true, true, false});
  CHECK(entry("a").item.category == "low");
}

TEST_CASE_METHOD(state_fixture,
                 "without a sink nothing goes to the outbox, and all of it once there is one") {
  auto run = begin();
  commit(run, {make("a"), make("b")}, 0, false);
  embed("https://shop.test/i/a.jpg", {1, 2}, false);
  end(run);
  CHECK(outbox().empty());
  run = begin();
  commit(run, {make("a"), make("b")});
  CHECK(outbox() == strings{"id-a:upsert:3:0", "id-b:upsert:1:1"});
}

TEST_CASE_METHOD(state_fixture, "an image that is known already is not asked for again") {
  auto run = begin();
  commit(run, {make("a")});
  embed("https://shop.test/i/a.jpg", {1, 2});
  auto b = make("b");
  b.image_url = make("a").image_url;
  CHECK(commit(run, {b}).images_due == 0);
  CHECK(outbox() == strings{"id-a:upsert:3:0", "id-b:upsert:3:0"});
  CHECK(entry("b").vector->values == std::vector<float>{1, 2});
}

TEST_CASE_METHOD(state_fixture, "another model makes vectors stale, and the old model current again") {
  auto run = begin();
  commit(run, {make("a")});
  embed("https://shop.test/i/a.jpg", {1, 2});
  run = begin();
  commit(run, {make("a")}, 0, true, "another tower");
  CHECK(entry("a").vector_state == "stale");
  CHECK(due() == strings{"https://shop.test/i/a.jpg"});
  run = begin();
  commit(run, {make("a")});
  CHECK(entry("a").vector_state == "ready");
}

TEST_CASE_METHOD(state_fixture, "at a start with another model every vector of the old one is due, once") {
  const auto run = begin();
  commit(run, {make("a"), make("b"), make("c")});
  embed("https://shop.test/i/a.jpg", {1, 2});
  fail("https://shop.test/i/b.jpg");
  const auto expire = [&](const char* tower) { return value_of(wait_for(products.expire_vectors(tower))); };
  CHECK(expire(entry("a").vector->fingerprint.c_str()) == 0);
  CHECK(due() == strings{"https://shop.test/i/c.jpg"});
  CHECK(expire("another tower") == 1);
  CHECK(entry("a").vector_state == "stale");
  CHECK(due() == strings{"https://shop.test/i/a.jpg", "https://shop.test/i/c.jpg"});
  CHECK(expire("another tower") == 0);
}

TEST_CASE_METHOD(state_fixture, "a failed image is due again at its time and its row went out meanwhile") {
  const auto run = begin();
  commit(run, {make("a")});
  const auto later = wall_now() + std::chrono::minutes(5);
  fail("https://shop.test/i/a.jpg", later);
  CHECK(entry("a").vector_state == "failed");
  CHECK(outbox() == strings{"id-a:upsert:1:0"});
  CHECK(due().empty());
  const auto again = value_of(wait_for(products.due_images(later, 10, {})));
  REQUIRE(again.size() == 1);
  CHECK(again[0].attempts == 1);
  CHECK(value_of(wait_for(products.due_images(later, 10, {again[0].url}))).empty());
  execute("delete from outbox");
  embed("https://shop.test/i/a.jpg", {1, 2});
  CHECK(outbox() == strings{"id-a:upsert:2:0"});
}

TEST_CASE_METHOD(state_fixture,
                 "a run that someone asks for tries failed images at once, but not those given up") {
  const auto run = begin();
  commit(run, {make("a"), make("b")});
  const error why{errc::network, "cannot fetch image", "", "", ""};
  value_of(wait_for(products.commit_image_failure(
      {"https://shop.test/i/a.jpg", why, wall_now() + std::chrono::hours(5)}, true)));
  value_of(wait_for(products.commit_image_failure({"https://shop.test/i/b.jpg", why, std::nullopt}, true)));
  CHECK(due().empty());
  CHECK(value_of(wait_for(products.retry_images_now())) == 1);
  CHECK(due() == strings{"https://shop.test/i/a.jpg"});
}

TEST_CASE_METHOD(state_fixture, "pages and runs are remembered") {
  auto run = begin();
  commit(run, {make("a"), make("b")});
  const auto page = value_of(
      wait_for(products.find_page(site_name("Shop"), "https://shop.test/list0", "https://shop.test/list0")));
  REQUIRE(page);
  CHECK(page->body_hash == "b");
  CHECK(page->listed == std::vector<product_id>{product_id("id-a"), product_id("id-b")});
  CHECK_FALSE(value_of(wait_for(products.find_page(site_name("Shop"), "x", "y"))));
  end(run);

  const auto slot = from_millis(1'000);
  const auto first = value_of(wait_for(products.begin_run("nightly", slot)));
  CHECK(name_of(wait_for(products.begin_run("nightly", slot)).error().code) == "invalid_argument");
  CHECK(value_of(wait_for(products.close_interrupted_runs())) == 1);
  CHECK(value_of(wait_for(products.begin_run("nightly", slot))) == first);
  end(first);
  CHECK(wait_for(products.begin_run("nightly", slot)).has_error());
  const auto runs = value_of(wait_for(products.recent_runs(10)));
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].job == "nightly");
  CHECK(runs[0].state == run_state::done);
  CHECK(runs[0].finished.has_value());

  value_of(wait_for(products.note_site_success(site_name("Shop"), slot)));
  const auto sites = value_of(wait_for(products.counts_by_site()));
  REQUIRE(sites.size() == 1);
  CHECK(sites[0].products == 2);
  CHECK(sites[0].last_success == slot);
}

TEST_CASE_METHOD(state_fixture, "the slots of a job that runs often do not hide those of a rare one") {
  execute(
      "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1200) "
      "insert into runs (job, slot, started, finished, state) select 'often', 10 + i, 1, 1, 'done' from n");
  execute("insert into runs (job, slot, started, finished, state) values ('rare', 1, 1, 1, 'interrupted')");
  const auto slots = value_of(wait_for(products.taken_slots()));
  const auto rare = std::find_if(slots.begin(), slots.end(), [](auto& s) { return s.job == "rare"; });
  REQUIRE(rare != slots.end());
  CHECK(rare->slot == from_millis(1));
  CHECK(rare->interrupted);
  REQUIRE(slots.size() > 100);
  CHECK(slots.front().slot == from_millis(1210));
  CHECK(slots[1].slot == from_millis(1209));
}

TEST_CASE_METHOD(state_fixture, "products that a run saw come in the order of their ids") {
  auto run = begin();
  commit(run, {make("c"), make("a"), make("b")});
  run = begin();
  commit(run, {make("c"), make("b")});
  strings ids;
  auto each = [&ids](const catalogue_entry& e) -> result<void> {
    ids.push_back(e.item.id.str());
    return {};
  };
  value_of(wait_for(products.for_each_of_run(run, each)));
  CHECK(ids == strings{"id-b", "id-c"});
}

TEST_CASE_METHOD(state_fixture, "a dry run is told what would change") {
  const auto run = begin();
  commit(run, {make("a"), make("b")});
  const auto found = value_of(wait_for(products.compare({make("a"), make("b", "9USD"), make("c")}, {})));
  REQUIRE(found.size() == 3);
  CHECK(found[0].what == comparison::kind::unchanged);
  CHECK(found[0].changed_fields.empty());
  CHECK(found[1].changed_fields == strings{"price"});
  CHECK(found[2].what == comparison::kind::added);
}

TEST_CASE_METHOD(state_fixture,
                 "the nearest products come first, of one model and one site, and follow changes") {
  const auto run = begin();
  commit(run, {make("a"), make("b"), make("c"), make("d")});
  embed("https://shop.test/i/a.jpg", {1, 0, 0});
  embed("https://shop.test/i/b.jpg", {3, 3, 0});
  embed("https://shop.test/i/c.jpg", {-1, 0, 0});
  embed("https://shop.test/i/d.jpg", {1, 0, 0}, true, "another tower");
  auto nearest = [&](std::vector<float> query, int k, std::optional<site_name> site = std::nullopt) {
    return value_of(wait_for(products.nearest(std::move(query), k, "tower", std::move(site))));
  };
  auto found = nearest({2, 0, 0}, 2);
  REQUIRE(found.size() == 2);
  CHECK(found[0].item.external_id == "a");
  CHECK(found[0].score == Approx(1));
  CHECK(found[1].item.external_id == "b");
  CHECK(found[1].score == Approx(0.70710678));
  CHECK(nearest({1, 0, 0}, 10).size() == 3);
  CHECK(nearest({1, 0, 0}, 10, site_name("Other")).empty());
  embed("https://shop.test/i/c.jpg", {1, 0.001f, 0});
  CHECK(nearest({1, 0, 0}, 2)[1].item.external_id == "c");
  const auto wrong = wait_for(products.nearest({1, 0}, 1, "tower", std::nullopt));
  CHECK(name_of(wrong.error().code) == "invalid_argument");
}

TEST_CASE_METHOD(state_fixture, "a vector whose checksum is wrong is an error, not a vector") {
  const auto run = begin();
  commit(run, {make("a")});
  embed("https://shop.test/i/a.jpg", {1, 2});
  execute("update images set vector = x'0000803f00000000'");
  const auto found = wait_for(products.find(product_id("id-a")));
  CHECK(name_of(found.error().code) == "state_damaged");
}
