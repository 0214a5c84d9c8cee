#include "storage/product_texts.hpp"

#include <algorithm>

#include "storage/outbox.hpp"
#include "storage/outbox_rows.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using strings = std::vector<std::string>;

namespace {

/// A catalogue whose texts are embedded: each becomes a vector of its length.
struct texts_fixture : state_fixture {
  product_texts texts{db};
  std::string tower = "words";
  int embedded = 0;

  std::vector<due_text> due_texts() { return value_of(wait_for(texts.due(tower, 100))); }

  strings due_ids() {
    strings ids;
    for (const auto& one : due_texts()) ids.push_back(one.id.str() + (one.ready ? " ready" : ""));
    return ids;
  }

  void work_off(bool to_sink = true) {
    auto due = due_texts();
    std::vector<std::pair<std::string, embedding>> vectors;
    for (const auto& one : due) {
      if (one.ready || one.text.empty()) continue;
      vectors.emplace_back(one.hash, vector({static_cast<float>(one.text.size()), 1}, tower));
      ++embedded;
    }
    value_of(wait_for(texts.commit(std::move(vectors), std::move(due), tower, to_sink)));
  }

  /// Every row is sent: its id, and the first number of its vectors.
  strings send() {
    class outbox box(db);
    strings sent;
    std::vector<outbox_key> keys;
    for (const auto& row : value_of(wait_for(box.due(wall_now(), 100)))) {
      sent.push_back(row.key.str() + (row.vector ? " picture" : "") +
                     (row.text ? " text " + std::to_string(static_cast<int>(row.text->values[0])) : ""));
      keys.push_back({row.key, row.seq});
    }
    value_of(wait_for(box.confirm(std::move(keys))));
    std::sort(sent.begin(), sent.end());
    return sent;
  }
};

const std::string text_of_a = "Product a Price: 10USD";

}  // namespace

TEST_CASE_METHOD(texts_fixture, "a new product's text is embedded and goes out with the row") {
  const auto run = begin();
  commit(run, {make("a")});
  REQUIRE(due_texts().size() == 1);
  CHECK(due_texts()[0].text == text_of_a);
  work_off();
  CHECK(due_ids().empty());
  CHECK(send().empty());  // it still waits for its picture
  embed("https://shop.test/i/a.jpg", {1, 2});
  CHECK(send() == strings{"id-a picture text " + std::to_string(text_of_a.size())});
  CHECK(send().empty());
}

TEST_CASE_METHOD(texts_fixture,
                 "where the picture is faster the text follows, and the picture's vector stays") {
  const auto run = begin();
  commit(run, {make("a")});
  embed("https://shop.test/i/a.jpg", {1, 2});
  CHECK(send() == strings{"id-a picture"});
  work_off();
  CHECK(send() == strings{"id-a text " + std::to_string(text_of_a.size())});
}

TEST_CASE_METHOD(texts_fixture, "only another text is embedded again") {
  auto run = begin();
  auto a = make("a"), b = make("b");
  commit(run, {a, b});
  embed("https://shop.test/i/a.jpg", {1, 2});
  embed("https://shop.test/i/b.jpg", {1, 2});
  work_off();
  send();
  end(run);
  CHECK(embedded == 2);

  run = begin();
  commit(run, {a, b});
  CHECK(due_ids().empty());
  a.product_url += "?new";  // no part of the text
  b.price = "11USD";
  commit(run, {a, b});
  CHECK(due_ids() == strings{"id-a ready", "id-b"});
  CHECK(send() == strings{"id-a", "id-b"});
  work_off();
  CHECK(embedded == 3);
  CHECK(send() == strings{"id-b text " + std::to_string(text_of_a.size())});
}

TEST_CASE_METHOD(texts_fixture, "products with one text share its vector") {
  const auto run = begin();
  auto a = make("a"), b = make("b");
  b.title = a.title;
  commit(run, {a, b});
  auto due = due_texts();
  REQUIRE(due.size() == 2);
  CHECK(due[0].hash == due[1].hash);
  std::vector<std::pair<std::string, embedding>> vectors{{due[0].hash, vector({7}, tower)}};
  value_of(wait_for(texts.commit(std::move(vectors), std::move(due), tower, true)));
  embed("https://shop.test/i/a.jpg", {1});
  embed("https://shop.test/i/b.jpg", {1});
  CHECK(send() == strings{"id-a picture text 7", "id-b picture text 7"});
}

TEST_CASE_METHOD(texts_fixture, "a product that changes while its text is embedded stays due") {
  const auto run = begin();
  commit(run, {make("a")});
  auto due = due_texts();
  commit(run, {make("a", "9USD")});
  std::vector<std::pair<std::string, embedding>> vectors{{due[0].hash, vector({7}, tower)}};
  value_of(wait_for(texts.commit(std::move(vectors), std::move(due), tower, true)));
  CHECK(due_ids() == strings{"id-a"});
}

TEST_CASE_METHOD(texts_fixture, "another model makes texts due, one that was not embedded too") {
  const auto run = begin();
  commit(run, {make("a")});
  work_off();
  CHECK(value_of(wait_for(texts.expire("words", true))) == 0);
  CHECK(value_of(wait_for(texts.expire("others", true))) == 1);
  tower = "others";
  CHECK(due_ids() == strings{"id-a"});
  value_of(wait_for(texts.commit({}, due_texts(), tower, true)));  // it could not be embedded
  CHECK(due_ids().empty());
  CHECK(value_of(wait_for(texts.expire("others", true))) == 1);
}

TEST_CASE_METHOD(texts_fixture, "a sink that comes later gets what is there") {
  const auto run = begin();
  commit(run, {make("a")}, 0, false);
  embed("https://shop.test/i/a.jpg", {1, 2}, false);
  work_off(false);
  CHECK(send().empty());
  class outbox box(db);
  CHECK(value_of(wait_for(box.adopt_sink("a table"))) == 1);
  CHECK(due_ids() == strings{"id-a ready"});
  work_off();
  CHECK(send() == strings{"id-a picture text " + std::to_string(text_of_a.size())});
  CHECK(embedded == 1);
  CHECK(value_of(wait_for(box.adopt_sink("another table"))) == 1);
  work_off();
  CHECK(send() == strings{"id-a picture text " + std::to_string(text_of_a.size())});
}

TEST_CASE_METHOD(texts_fixture, "a text whose column comes later is sent then") {
  const auto run = begin();
  commit(run, {make("a")});
  embed("https://shop.test/i/a.jpg", {1, 2});
  work_off(false);
  CHECK(send() == strings{"id-a picture"});
  CHECK(value_of(wait_for(texts.expire(tower, true))) == 1);
  work_off();
  CHECK(send() == strings{"id-a text " + std::to_string(text_of_a.size())});
  CHECK(embedded == 1);
}

TEST_CASE_METHOD(texts_fixture, "a row that left the sink comes back with its text") {
  auto run = begin();
  commit(run, {make("a"), make("b")});
  embed("https://shop.test/i/a.jpg", {1, 2});
  embed("https://shop.test/i/b.jpg", {1, 2});
  work_off();
  send();
  end(run);
  auto remove = [](sqlite::connection& c) -> result<void> {
    c.run("update products set gone_at = 1 where id = 'id-a'");
    enqueue_delete(c, product_id("id-a"), wall_now());
    return {};
  };
  value_of(wait_for(db->internals().write(std::move(remove))));
  CHECK(due_ids().empty());  // nobody asks for the text of what is gone
  execute("delete from outbox");
  run = begin();
  commit(run, {make("a"), make("b")});
  work_off();
  CHECK(send() == strings{"id-a picture text " + std::to_string(text_of_a.size())});
  CHECK(embedded == 2);
}

TEST_CASE_METHOD(texts_fixture, "a damaged vector of a text stays here") {
  const auto run = begin();
  commit(run, {make("a")});
  embed("https://shop.test/i/a.jpg", {1, 2});
  work_off();
  execute("update texts set crc32c = 1");
  CHECK(send() == strings{"id-a picture"});
}
