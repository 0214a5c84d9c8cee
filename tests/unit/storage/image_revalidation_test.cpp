#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using namespace std::chrono_literals;

namespace {

using strings = std::vector<std::string>;
const std::string picture = "https://shop.test/i/a.jpg";

/// A product whose image was embedded and last asked for at a chosen time, and runs at others.
struct revalidation_fixture : state_fixture {
  revalidation_fixture() {
    commit(begin(), {make("a")});
    std::vector<vector_commit> batch{{picture, "content", "\"v1\"", "yesterday", vector({1, 2})}};
    value_of(wait_for(products.commit_vectors(std::move(batch), true)));
    embedded_at(start);
    execute("delete from outbox");
  }

  void embedded_at(wall_time when) {
    execute("update images set embedded = " + std::to_string(to_millis(when)));
  }
  void checked_at(wall_time when) {
    execute("update images set checked = " + std::to_string(to_millis(when)));
  }

  /// Reads the shop's one page, whole or unchanged, at `now`; the images that are then due.
  std::vector<due_image> run_at(wall_time now, bool unchanged = false) {
    page_commit page;
    page.run = begin();
    page.page.site = site_name("Shop");
    page.page.endpoint = page.page.url = "https://shop.test/list0";
    page.fingerprint = "tower";
    page.unchanged = unchanged;
    page.images_older_than = now - 30 * 24h;
    if (!unchanged) {
      page.products = {make("a")};
      page.page.listed = {page.products[0].id};
    }
    value_of(wait_for(products.commit_page(std::move(page))));
    return value_of(wait_for(products.due_images(now, 10, {})));
  }

  void confirm(std::string etag = "", std::string sha = "") {
    image_confirmation same{picture, std::move(etag), "", std::move(sha)};
    value_of(wait_for(products.confirm_image(std::move(same), true)));
  }

  const wall_time start = from_millis(1'800'000'000'000);
};

}  // namespace

TEST_CASE_METHOD(revalidation_fixture,
                 "an image is asked for again after the time that is set, and not before") {
  CHECK(run_at(start + 1h).empty());
  CHECK(run_at(start + 30 * 24h).empty());
  const auto again = run_at(start + 30 * 24h + 1s);
  REQUIRE(again.size() == 1);
  REQUIRE(again[0].known);
  CHECK(again[0].known->etag == "\"v1\"");
  CHECK(again[0].known->last_modified == "yesterday");
  CHECK(again[0].known->content_sha256 == "content");
  CHECK(again[0].known->fingerprint == "tower");
  CHECK(entry("a").vector_state == "ready");
  CHECK(outbox().empty());
}

TEST_CASE_METHOD(revalidation_fixture, "an unchanged page makes old images due as well") {
  CHECK(run_at(start + 29 * 24h, true).empty());
  CHECK(run_at(start + 31 * 24h, true).size() == 1);
}

TEST_CASE_METHOD(revalidation_fixture, "a confirmed image rests for the whole time again") {
  REQUIRE(run_at(start + 31 * 24h).size() == 1);
  confirm("\"v2\"");
  checked_at(start + 31 * 24h);
  CHECK(due(start + 31 * 24h).empty());
  CHECK(run_at(start + 60 * 24h).empty());
  const auto again = run_at(start + 62 * 24h);
  REQUIRE(again.size() == 1);
  CHECK(again[0].known->etag == "\"v2\"");
  CHECK(again[0].known->last_modified == "yesterday");
  CHECK(outbox().empty());
}

TEST_CASE_METHOD(revalidation_fixture, "an image that changed goes out with its new vector") {
  REQUIRE(run_at(start + 31 * 24h).size() == 1);
  embed(picture, {3, 4});
  CHECK(outbox() == strings{"id-a:upsert:2:0"});
  CHECK(entry("a").vector->values == std::vector<float>{3, 4});
}

TEST_CASE_METHOD(revalidation_fixture,
                 "an image that cannot be had again keeps its vector, stale until it can") {
  REQUIRE(run_at(start + 31 * 24h).size() == 1);
  fail(picture, start + 31 * 24h + 5min);
  CHECK(entry("a").vector_state == "stale");
  CHECK(entry("a").vector->values == std::vector<float>{1, 2});
  const auto again = value_of(wait_for(products.due_images(start + 31 * 24h + 5min, 10, {})));
  REQUIRE(again.size() == 1);
  CHECK(again[0].attempts == 1);
  CHECK(again[0].known);
  confirm();
  CHECK(entry("a").vector_state == "ready");
  CHECK(outbox().empty());
}
