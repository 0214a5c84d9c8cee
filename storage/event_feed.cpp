#include "storage/event_feed.hpp"

#include "core/product_text.hpp"
#include "storage/run_rows.hpp"
#include "storage/state_operations.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;
using sqlite::connection;

namespace {

std::int64_t read_confirmed(connection& db) {
  auto s = db.prepare("select cast(value as integer) from facts where name = 'events_told'");
  return s.step() ? s.integer(0) : 0;
}

std::optional<product_offer> offer_before(connection& db, std::int64_t product, std::int64_t number) {
  auto s = db.prepare("select " + std::string(offer_columns) +
                      " from events where product = ?1 and number < ?2 order by number desc limit 1");
  s.bind(product, number);
  if (!s.step()) return std::nullopt;
  return read_offer(s, 0);
}

std::optional<run_summary> run_of(connection& db, run_id run) {
  auto s = db.prepare(std::string(run_columns) + "where id = ?1");
  s.bind(run);
  if (!s.step()) return std::nullopt;
  return read_run(s);
}

std::int64_t last_number(connection& db) {
  auto s = db.prepare("select coalesce(max(number), 0) from events");
  s.step();
  return s.integer(0);
}

event_batch read_events(connection& db, std::int64_t after, int limit) {
  event_batch batch;
  auto s =
      db.prepare("select e.number, e.run, e.at, e.kind, e.product, p.fields, " + std::string(offer_columns) +
                 " from events e left join products p on p.number = e.product where e.number > ?1 and "
                 "e.kind <> 'first' order by e.number limit ?2");
  s.bind(after, limit);
  while (s.step()) {
    recorded_event one;
    one.number = s.integer(0);
    one.run = s.integer(1);
    one.at = from_millis(s.integer(2));
    one.kind = s.text(3);
    if (const auto fields = s.optional_text(5)) one.item = product_from_text(*fields);
    one.offer = read_offer(s, 6);
    if (const auto product = s.optional_integer(4))
      one.before = offer_before(db, *product, one.number);
    else
      one.ended = run_of(db, one.run);
    batch.events.push_back(std::move(one));
  }
  batch.through = static_cast<int>(batch.events.size()) == limit ? batch.events.back().number
                                                                 : std::max(after, last_number(db));
  return batch;
}

}  // namespace

asio::awaitable<result<void>> event_feed::begin() {
  auto work = [](connection& db) -> result<void> {
    db.run("insert or ignore into facts (name, value) values ('events_told', ?1)",
           std::to_string(last_number(db)));
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<void>> event_feed::forget() {
  auto work = [](connection& db) -> result<void> {
    db.run("delete from facts where name = 'events_told'");
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<event_batch>> event_feed::next(std::int64_t after, int limit) {
  auto work = [after, limit](connection& db) -> result<event_batch> { return read_events(db, after, limit); };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::int64_t>> event_feed::confirmed() {
  auto work = [](connection& db) -> result<std::int64_t> { return read_confirmed(db); };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<void>> event_feed::confirm(std::int64_t through) {
  auto work = [through](connection& db) -> result<void> {
    db.run("insert or replace into facts (name, value) values ('events_told', ?1)", std::to_string(through));
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<std::int64_t>> event_feed::waiting() {
  auto work = [](connection& db) -> result<std::int64_t> {
    auto s = db.prepare("select count(*) from events where number > ?1 and kind <> 'first'");
    s.bind(read_confirmed(db));
    s.step();
    return s.integer(0);
  };
  co_return co_await db_->internals().read(std::move(work));
}

}  // namespace catwalk::storage
