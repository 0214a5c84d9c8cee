#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>

#include "core/task_group.hpp"
#include "storage/outbox.hpp"
#include "storage/outbox_rows.hpp"
#include "storage/sink.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using kind = sink_reply::kind;
using strings = std::vector<std::string>;

namespace {

/// A sink in memory that answers as the test says, and checks the writer's promises.
struct fake_sink final : sink {
  std::string identity = "fake";
  std::map<std::string, sink_row> table;
  std::map<std::string, int> writes;
  std::set<std::string> in_flight;
  std::vector<std::size_t> sizes;
  std::function<sink_reply(const std::vector<sink_row>&)> answer = [](auto&) {
    return reply(kind::accepted);
  };
  std::function<void()> while_sending = [] {};
  int at_once = 1;
  int under_way = 0;
  int most_under_way = 0;

  static sink_reply reply(kind what, std::string code = "") {
    sink_reply r;
    r.what = what;
    r.sqlstate_or_code = std::move(code);
    r.why = {errc::sink_rejected, "the sink refused the rows", "", r.sqlstate_or_code, ""};
    return r;
  }

  int concurrency() const override { return at_once; }
  std::string name() const override { return identity; }
  asio::awaitable<result<sink_description>> describe() override { co_return sink_description{}; }
  asio::awaitable<sink_reply> upsert(const std::vector<sink_row>& rows) override {
    sizes.push_back(rows.size());
    for (const auto& row : rows) {
      CHECK(in_flight.insert(row.key.str()).second);
      CHECK(row.vector.has_value() == rows.front().vector.has_value());
    }
    most_under_way = std::max(most_under_way, ++under_way);
    while_sending();
    asio::steady_timer turn(co_await asio::this_coro::executor, 2ms);
    co_await turn.async_wait(asio::use_awaitable);
    --under_way;
    for (const auto& row : rows) in_flight.erase(row.key.str());
    auto r = answer(rows);
    if (r.what == kind::accepted)
      for (const auto& row : rows) {
        // As a merge does: what a row does not say stays.
        auto kept = table[row.key.str()].vector;
        table[row.key.str()] = row;
        if (!row.vector) table[row.key.str()].vector = kept;
        ++writes[row.key.str()];
      }
    co_return r;
  }
  asio::awaitable<sink_reply> remove(const std::vector<sink_row>& rows) override {
    for (const auto& row : rows) CHECK(row.is_delete);
    CHECK(under_way == 0);
    removed.push_back(rows.size());
    auto r = answer(rows);
    if (r.what == kind::accepted)
      for (const auto& row : rows) table.erase(row.key.str());
    co_return r;
  }
  std::vector<std::size_t> removed;
};

struct writer_fixture : state_fixture {
  fake_sink to;
  config::sink_settings settings;

  /// Runs a writer until nothing is due; false when it did not come to that.
  bool drain(std::chrono::milliseconds at_most = 20s) {
    asio::io_context loop;
    outbox_writer writer(loop.get_executor(), db, to, settings);
    task_group group(loop.get_executor());
    group.spawn("writer", writer.run());
    auto test = [&]() -> asio::awaitable<bool> {
      writer.notify();
      const bool idle = co_await writer.wait_until_idle(at_most);
      last = writer.status();
      group.cancel();
      co_await group.join();
      co_return idle;
    };
    auto done = asio::co_spawn(loop, test(), asio::use_future);
    loop.run();
    return done.get();
  }

  void fill(int n) {
    std::vector<product> many;
    const auto run = begin();
    many.reserve(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) many.push_back(make(std::to_string(i)));
    commit(run, many);
    std::vector<vector_commit> vectors;
    vectors.reserve(many.size());
    for (const auto& p : many)
      vectors.push_back({p.image_url, "c", "", "", vector({static_cast<float>(vectors.size()), 1})});
    value_of(wait_for(products.commit_vectors(std::move(vectors), true)));
  }

  std::int64_t rows_in(const std::string& what) {
    auto work = [what](sqlite::connection& c) -> result<std::int64_t> {
      auto s = c.prepare("select count(*) from " + what);
      s.step();
      return s.integer(0);
    };
    return value_of(wait_for(db->internals().read(work)));
  }

  writer_status last;
};

}  // namespace

TEST_CASE_METHOD(writer_fixture, "rows go out in batches, with their vectors, once each") {
  fill(250);
  CHECK(drain());
  CHECK(to.table.size() == 250);
  CHECK(to.sizes == std::vector<std::size_t>{100, 100, 50});
  CHECK(to.table.at("id-7").vector->values == std::vector<float>{7, 1});
  CHECK(outbox().empty());
  CHECK(last.sent == 250);
  CHECK(last.waiting == 0);
  CHECK_FALSE(last.last_error);

  // What did not change is not sent again; a changed price goes without the vector and leaves it in place.
  commit(begin(), {make("7", "5USD"), make("8")});
  CHECK(drain());
  CHECK(to.writes.at("id-7") == 2);
  CHECK(to.writes.at("id-8") == 1);
  CHECK(to.table.at("id-7").item.price == "5USD");
  CHECK(to.table.at("id-7").vector->values == std::vector<float>{7, 1});
}

TEST_CASE_METHOD(writer_fixture,
                 "rows that wait for their vector are not sent, and do not keep it from being idle") {
  commit(begin(), {make("a"), make("b")});
  fail(make("b").image_url);
  CHECK(drain());
  CHECK(to.table.size() == 1);
  CHECK_FALSE(to.table.at("id-b").vector);
  CHECK(outbox() == strings{"id-a:upsert:1:1"});
}

TEST_CASE_METHOD(writer_fixture, "between two counts the status goes by what has left") {
  fill(10);
  settings.batch = 2;
  std::vector<std::int64_t> waiting;
  asio::io_context loop;
  outbox_writer writer(loop.get_executor(), db, to, settings);
  to.while_sending = [&] { waiting.push_back(writer.status().waiting); };
  task_group group(loop.get_executor());
  group.spawn("writer", writer.run());
  auto test = [&]() -> asio::awaitable<void> {
    CHECK(co_await writer.wait_until_idle(20s));
    group.cancel();
    co_await group.join();
  };
  auto done = asio::co_spawn(loop, test(), asio::use_future);
  loop.run();
  done.get();
  REQUIRE(waiting.size() == 5);
  waiting.erase(waiting.begin());  // nothing had been counted yet
  CHECK(waiting == std::vector<std::int64_t>{8, 6, 4, 2});
  CHECK(writer.status().waiting == 0);
}

TEST_CASE_METHOD(writer_fixture, "what changes while a request is on its way goes out again") {
  fill(1);
  bool once = true;
  to.while_sending = [&] {
    if (!std::exchange(once, false)) return;
    // Another loop: the writer's is in the middle of its request.
    commit(begin(), {make("0", "1USD")});
  };
  CHECK(drain());
  CHECK(to.writes.at("id-0") == 2);
  CHECK(to.table.at("id-0").item.price == "1USD");
  CHECK(outbox().empty());
}

TEST_CASE_METHOD(writer_fixture, "batches go beside each other, the rows of one product after each other") {
  fill(600);
  to.at_once = 3;
  settings.batch = 5;
  std::string repriced;
  to.while_sending = [&] {
    if (to.under_way < 3 || !repriced.empty()) return;
    const auto number = to.in_flight.begin()->substr(3);
    commit(begin(), {make(number, "1USD")});
    repriced = "id-" + number;
  };
  CHECK(drain());
  CHECK(to.most_under_way == 3);
  CHECK(last.concurrency == 3);
  CHECK(to.table.size() == 600);
  CHECK(to.writes.at(repriced) == 2);
  CHECK(to.table.at(repriced).item.price == "1USD");
  CHECK(outbox().empty());
  CHECK(last.sent == 601);
}

TEST_CASE_METHOD(writer_fixture,
                 "nothing is lost or written twice where requests that go beside each other fail") {
  fill(800);
  to.at_once = 4;
  settings.batch = 4;
  int requests = 0;
  to.answer = [&](const std::vector<sink_row>& rows) {
    for (const auto& row : rows)
      if (row.key.str() == "id-555") return fake_sink::reply(kind::bisect, "23502");
    return fake_sink::reply(++requests == 100 || requests == 101 ? kind::retry : kind::accepted);
  };
  CHECK(drain());
  CHECK(to.most_under_way == 4);
  CHECK(to.table.size() == 799);
  CHECK(std::all_of(to.writes.begin(), to.writes.end(), [](const auto& row) { return row.second == 1; }));
  CHECK(rows_in("failures") == 1);
  CHECK(outbox().empty());
}

TEST_CASE_METHOD(writer_fixture,
                 "a poison row among 200 becomes a dead letter with all that is known of it") {
  fill(200);
  to.answer = [](const std::vector<sink_row>& rows) {
    for (const auto& row : rows)
      if (row.key.str() == "id-123") return fake_sink::reply(kind::bisect, "23502");
    return fake_sink::reply(kind::accepted);
  };
  CHECK(drain());
  CHECK(to.table.size() == 199);
  CHECK(to.sizes.size() < 20);
  CHECK(last.dead == 1);
  CHECK(outbox().empty());
  auto work = [](sqlite::connection& c) -> result<strings> {
    auto s =
        c.prepare("select key, sink_code, sink_words, json_array_length(attempts), payload from failures");
    strings row;
    while (s.step())
      for (int i = 0; i < 5; ++i) row.push_back(s.text(i));
    return row;
  };
  const auto letter = value_of(wait_for(db->internals().read(work)));
  REQUIRE(letter.size() == 5);
  CHECK(letter[0] == "id-123");
  CHECK(letter[1] == "23502");
  CHECK(letter[2].find("the sink refused the rows") != std::string::npos);
  CHECK(letter[3] == "1");
  CHECK(letter[4].find("Product 123") != std::string::npos);
}

TEST_CASE_METHOD(writer_fixture,
                 "a refused key parks the writer, loses nothing, and a new one sends everything") {
  fill(150);
  to.answer = [](auto&) { return fake_sink::reply(kind::park, "PGRST301"); };
  CHECK_FALSE(drain());
  CHECK(last.parked);
  CHECK(last.waiting == 150);
  REQUIRE(last.last_error);
  CHECK(to.sizes.size() == 1);
  to.answer = [](auto&) { return fake_sink::reply(kind::accepted); };
  CHECK(drain());
  CHECK(to.table.size() == 150);
}

TEST_CASE_METHOD(writer_fixture, "a fault of the whole table parks without a dead letter") {
  fill(200);
  to.answer = [](auto&) { return fake_sink::reply(kind::bisect, "22000"); };
  CHECK_FALSE(drain());
  CHECK(last.parked);
  CHECK(last.dead == 0);
  CHECK(outbox().size() == 200);
}

TEST_CASE_METHOD(writer_fixture, "a sink that is away for a moment is asked again") {
  fill(30);
  int failures = 2;
  to.answer = [&](auto&) { return fake_sink::reply(failures-- > 0 ? kind::retry : kind::accepted); };
  CHECK(drain());
  CHECK(to.table.size() == 30);
  CHECK(to.sizes.size() == 3);
}

TEST_CASE_METHOD(writer_fixture,
                 "another sink gets the whole catalogue, but no vectors of an untrained model") {
  fill(3);
  CHECK(drain());
  execute("update images set untrained = 1 where url like '%/2.jpg'");
  to.table.clear();
  to.identity = "another";
  CHECK(drain());
  CHECK(to.table.size() == 3);
  CHECK(to.table.at("id-1").vector.has_value());
  CHECK_FALSE(to.table.at("id-2").vector);
}

TEST_CASE_METHOD(writer_fixture,
                 "a product that the sink holds under an older id is written under it from then on") {
  fill(1);
  to.answer = [](const std::vector<sink_row>& rows) {
    if (rows.front().item.id.str() == "older") return fake_sink::reply(kind::accepted);
    auto r = fake_sink::reply(kind::bisect);
    r.held_as = "older";
    return r;
  };
  CHECK(drain());
  CHECK(to.table.at("id-0").item.id.str() == "older");
  commit(begin(), {make("0", "1USD")});
  CHECK(drain());
  CHECK(to.table.at("id-0").item.id.str() == "older");
  CHECK(to.table.at("id-0").item.price == "1USD");
}

TEST_CASE_METHOD(writer_fixture, "of two products with one address the first keeps the sink's row") {
  const auto run = begin();
  commit(run, {make("a"), make("b")});
  for (const char* id : {"a", "b"}) embed("https://shop.test/i/" + std::string(id) + ".jpg", {1, 2});
  to.answer = [](const std::vector<sink_row>& rows) {
    const auto is_b = [](const sink_row& row) { return row.key.str() == "id-b"; };
    if (std::none_of(rows.begin(), rows.end(), is_b)) return fake_sink::reply(kind::accepted);
    auto r = fake_sink::reply(kind::bisect);
    if (rows.size() == 1) r.held_as = "id-a";
    return r;
  };
  CHECK(drain());
  CHECK(to.table.size() == 1);
  CHECK(to.table.contains("id-a"));
  CHECK(rows_in("failures where key = 'id-b' and sink_words like '%id-a%'") == 1);
  CHECK(rows_in("products where sink_key is not null") == 0);
}

TEST_CASE_METHOD(writer_fixture, "a row that another product took over is not removed with the first") {
  fill(1);
  to.answer = [](const std::vector<sink_row>& rows) {
    if (rows.front().item.id.str() == "id-0") return fake_sink::reply(kind::accepted);
    auto r = fake_sink::reply(kind::bisect);
    r.held_as = "id-0";
    return r;
  };
  CHECK(drain());
  // Its shop's rule for ids has changed: the same product comes under another, and is seen by a later run.
  commit(begin(), {make("new")});
  embed("https://shop.test/i/new.jpg", {1, 2});
  CHECK(drain());
  CHECK(rows_in("products where id = 'id-new' and sink_key = 'id-0'") == 1);
  auto gone = [](sqlite::connection& c) -> result<int> {
    enqueue_delete(c, product_id("id-0"), wall_now());
    return 0;
  };
  value_of(wait_for(db->internals().write(gone)));
  CHECK(rows_in("outbox") == 0);
}

TEST_CASE_METHOD(writer_fixture, "what is gone is removed, apart from what is written") {
  fill(10);
  CHECK(drain());
  const auto run = begin();
  std::vector<product> left{make("0", "12USD"), make("1")};
  commit(run, left);
  site_listing read{run, site_name("Shop"), {{"https://shop.test/list0", true}}};
  sync_request request{sync_request::kind::remove, {1, 0, 1}, std::nullopt, true};
  CHECK(value_of(wait_for(products.sync(read, request))).gone == 8);
  CHECK(drain());
  CHECK(to.table.size() == 2);
  CHECK(to.table.at("id-0").item.price == "12USD");
  CHECK(to.removed == std::vector<std::size_t>{8});
  CHECK(outbox().empty());
}

TEST_CASE_METHOD(writer_fixture, "a product that is marked goes out of stock, and comes back as it is") {
  fill(2);
  CHECK(drain());
  auto run = begin();
  commit(run, {make("0")});
  site_listing read{run, site_name("Shop"), {{"https://shop.test/list0", true}}};
  sync_request request{sync_request::kind::mark, {1, 0, 1}, std::nullopt, true};
  CHECK(value_of(wait_for(products.sync(read, request))).gone == 1);
  CHECK(drain());
  CHECK(to.table.at("id-1").item.availability == "out_of_stock");
  CHECK(to.table.at("id-1").vector);
  run = begin();
  commit(run, {make("0"), make("1")});
  CHECK(drain());
  CHECK(to.table.at("id-1").item.availability == "unknown");
}

TEST_CASE_METHOD(writer_fixture, "a product that is back has the vector of its older picture again") {
  fill(2);
  CHECK(drain());
  auto changed = make("1");
  changed.image_url = "https://shop.test/i/another.jpg";
  auto run = begin();
  commit(run, {make("0"), changed});
  fail(changed.image_url);
  CHECK(entry("1").vector_state == "stale");
  CHECK(drain());
  run = begin();
  commit(run, {make("0")});
  site_listing read{run, site_name("Shop"), {{"https://shop.test/list0", true}}};
  sync_request request{sync_request::kind::remove, {1, 0, 1}, std::nullopt, true};
  CHECK(value_of(wait_for(products.sync(read, request))).gone == 1);
  CHECK(drain());
  CHECK(to.table.count("id-1") == 0);
  run = begin();
  SECTION("where it is of the model in use") {
    commit(run, {make("0"), changed});
    CHECK(drain());
    REQUIRE(to.table.at("id-1").vector);
    CHECK(to.table.at("id-1").vector->values == std::vector<float>{1, 1});
  }
  SECTION("but not where another model made it") {
    commit(run, {make("0"), changed}, 0, true, "another tower");
    CHECK(drain());
    CHECK_FALSE(to.table.at("id-1").vector);
  }
}

TEST_CASE_METHOD(writer_fixture, "another sink gets the vectors of older pictures too") {
  fill(3);
  auto first = make("1"), second = make("2");
  first.image_url = "https://shop.test/i/first.jpg";
  second.image_url = "https://shop.test/i/second.jpg";
  commit(begin(), {make("0"), first, second});
  fail(first.image_url);
  CHECK(drain());
  to.table.clear();
  to.identity = "another";
  SECTION("where the model is that of the others") {
    CHECK(drain());
    REQUIRE(to.table.at("id-1").vector);
    CHECK(to.table.at("id-1").vector->values == std::vector<float>{1, 1});
    fail(second.image_url);
    CHECK(drain());
    REQUIRE(to.table.at("id-2").vector);
    CHECK(to.table.at("id-2").vector->values == std::vector<float>{2, 1});
  }
  SECTION("but none of a model that is no longer used") {
    execute("update images set fingerprint = 'older tower' where url like '%/1.jpg'");
    CHECK(drain());
    CHECK_FALSE(to.table.at("id-1").vector);
  }
}

TEST_CASE_METHOD(writer_fixture, "a change does not wait because an earlier version was refused") {
  fill(1);
  class outbox box(db);
  const auto refused = value_of(wait_for(box.due(wall_now(), 10)));
  REQUIRE(refused.size() == 1);
  const std::vector<outbox_key> old{{refused[0].key, refused[0].seq}};
  value_of(wait_for(box.postpone(old, wall_now() + 10min, {errc::sink_rejected, "refused", "", "", ""})));
  commit(begin(), {make("0", "1USD")});
  CHECK(value_of(wait_for(box.due(wall_now(), 10))).empty());
  value_of(wait_for(box.bury({{old[0], "refused", "23502", "no"}})));
  const auto changed = value_of(wait_for(box.due(wall_now(), 10)));
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].item.price == "1USD");
}

TEST_CASE_METHOD(writer_fixture, "what a dead letter would have brought goes with the next change") {
  fill(2);
  to.answer = [](const std::vector<sink_row>& rows) {
    for (const auto& row : rows)
      if (row.item.title == "Product 0") return fake_sink::reply(kind::bisect, "22P05");
    return fake_sink::reply(kind::accepted);
  };
  CHECK(drain());
  CHECK(last.dead == 1);
  CHECK(to.table.count("id-0") == 0);
  auto mended = make("0");
  mended.title = "Mended";
  commit(begin(), {mended, make("1")});
  CHECK(drain());
  REQUIRE(to.table.count("id-0") == 1);
  REQUIRE(to.table.at("id-0").vector);
  CHECK(to.table.at("id-0").vector->values == std::vector<float>{0, 1});

  mended.price = "1USD";
  commit(begin(), {mended, make("1")});
  CHECK(outbox() == strings{"id-0:upsert:1:0"});
}
