#include "storage/catalogue.hpp"

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
