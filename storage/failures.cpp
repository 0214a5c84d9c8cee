#include "storage/failures.hpp"

#include <set>

#include "storage/outbox_rows.hpp"
#include "storage/state_operations.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;
using sqlite::connection;

namespace {

constexpr const char* columns =
    "f.id, f.key, coalesce(p.site, ''), coalesce(f.payload ->> '$.title', ''), f.op, f.reason, f.sink_code, "
    "f.sink_words, f.attempts, f.payload, f.died from failures f left join products p on p.id = f.key ";

failed_row read_row(const sqlite::statement& s) {
  return {s.integer(0),
          product_id(s.text(1)),
          s.text(2),
          s.text(3),
          s.text(4),
          s.text(5),
          s.text(6),
          s.text(7),
          s.text(8),
          s.text(9),
          from_millis(s.integer(10))};
}

/// A condition over `failures f left join products p`, with ?1 the site and ?2 the code.
constexpr const char* chosen_by = "(?1 is null or p.site = ?1) and (?2 is null or f.sink_code = ?2) ";

/// The letters that are meant, those that are not there left out.
std::vector<std::int64_t> chosen(connection& db, const failure_choice& which) {
  std::vector<std::int64_t> all;
  if (!which.ids) {
    auto s =
        db.prepare(std::string("select f.id from failures f left join products p on p.id = f.key where ") +
                   chosen_by + "order by f.id");
    s.bind(which.site, which.code);
    while (s.step()) all.push_back(s.integer(0));
    return all;
  }
  auto s = db.prepare("select id from failures where id = ?1");
  // Twice the same is once.
  for (const auto id : std::set<std::int64_t>(which.ids->begin(), which.ids->end())) {
    s.bind(id);
    if (s.step()) all.push_back(id);
    s.reset();
  }
  return all;
}

struct letter {
  product_id key;
  std::string op;
  int parts;
};

void put_back(connection& db, std::int64_t id) {
  std::optional<letter> dead;
  {
    auto s = db.prepare(
        "select f.key, f.op, f.parts from failures f join products p on p.id = f.key where f.id = ?1");
    s.bind(id);
    if (s.step()) dead = letter{product_id(s.text(0)), s.text(1), static_cast<int>(s.integer(2))};
  }
  if (!dead) return;  // retention has removed the product
  if (dead->op == "delete")
    enqueue_delete(db, dead->key, wall_now());
  else
    enqueue_upsert(db, dead->key, dead->parts, false, wall_now());
}

}  // namespace

asio::awaitable<result<std::vector<failed_row>>> failures::list(int limit, std::optional<std::int64_t> after,
                                                                failure_choice among) {
  auto work = [limit, after, among = std::move(among)](connection& db) -> result<std::vector<failed_row>> {
    std::vector<failed_row> rows;
    auto s = db.prepare(std::string("select ") + columns + "where " + chosen_by +
                        "and (?3 is null or f.id < ?3) order by f.id desc limit ?4");
    s.bind(among.site, among.code, after, limit);
    while (s.step()) rows.push_back(read_row(s));
    return rows;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::int64_t>> failures::count(failure_choice among) {
  auto work = [among = std::move(among)](connection& db) -> result<std::int64_t> {
    auto s = db.prepare(
        std::string("select count(*) from failures f left join products p on p.id = f.key where ") +
        chosen_by);
    s.bind(among.site, among.code);
    s.step();
    return s.integer(0);
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::optional<failed_row>>> failures::find(std::int64_t id) {
  auto work = [id](connection& db) -> result<std::optional<failed_row>> {
    auto s = db.prepare(std::string("select ") + columns + "where f.id = ?1");
    s.bind(id);
    if (!s.step()) return std::optional<failed_row>();
    return std::optional<failed_row>(read_row(s));
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<int>> failures::retry(failure_choice which) {
  auto work = [which = std::move(which)](connection& db) -> result<int> {
    const auto meant = chosen(db, which);
    for (const auto id : meant) {
      put_back(db, id);
      db.run("delete from failures where id = ?1", id);
    }
    return static_cast<int>(meant.size());
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<int>> failures::drop(failure_choice which) {
  auto work = [which = std::move(which)](connection& db) -> result<int> {
    const auto meant = chosen(db, which);
    for (const auto id : meant) db.run("delete from failures where id = ?1", id);
    return static_cast<int>(meant.size());
  };
  co_return co_await db_->internals().write(std::move(work));
}

}  // namespace catwalk::storage
