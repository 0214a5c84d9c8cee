#include "storage/outbox.hpp"

#include <spdlog/spdlog.h>

#include <set>

#include "core/product_text.hpp"
#include "storage/adoption.hpp"
#include "storage/image_rows.hpp"
#include "storage/outbox_rows.hpp"
#include "storage/state_operations.hpp"
#include "storage/text_rows.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;
using sqlite::connection;

namespace {

constexpr int most_attempts_kept = 20;
constexpr const char* columns =
    "o.key, o.seq, o.op, o.parts, p.fields, p.endpoint_index, p.vector_url, p.sink_key, p.gone_at, "
    "p.text_hash "
    "from outbox o join products p on p.id = o.key ";

sink_row read_row(connection& db, const sqlite::statement& s) {
  sink_row row;
  row.key = product_id(s.text(0));
  row.seq = s.integer(1);
  row.is_delete = s.text(2) == "delete";
  row.item = product_from_text(s.text(4));
  row.item.endpoint_index = static_cast<int>(s.integer(5));
  if (const auto older = s.optional_text(7)) row.item.id = product_id(*older);
  if (!s.is_null(8)) row.item.availability = "out_of_stock";
  const auto vector_url = s.optional_text(6);
  if ((s.integer(3) & vector_part) != 0 && vector_url) {
    auto vector = read_vector(db, *vector_url);
    if (vector)
      row.vector = std::move(*vector);
    else
      spdlog::error("{}; product {} goes out without it", vector.error().to_string(), row.key.str());
  }
  if (const auto text = s.optional_text(9); (s.integer(3) & text_part) != 0 && text) {
    auto vector = read_text_vector(db, *text);
    if (vector)
      row.text = std::move(*vector);
    else
      spdlog::error("{}; product {} goes out without it", vector.error().to_string(), row.key.str());
  }
  return row;
}

}  // namespace

asio::awaitable<result<std::vector<sink_row>>> outbox::due(wall_time now, int limit, std::int64_t after) {
  auto work = [now, limit, after](connection& db) -> result<std::vector<sink_row>> {
    std::vector<sink_row> rows;
    auto s = db.prepare(std::string("select ") + columns +
                        "where o.sink = ?1 and o.held = 0 and o.next_try <= ?2 and o.seq > ?4 order by o.seq "
                        "limit ?3");
    s.bind(the_sink, to_millis(now), limit, after);
    while (s.step()) rows.push_back(read_row(db, s));
    return rows;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::vector<sink_row>>> outbox::fetch(std::vector<product_id> keys) {
  auto work = [keys = std::move(keys)](connection& db) -> result<std::vector<sink_row>> {
    std::vector<sink_row> rows;
    auto s = db.prepare(std::string("select ") + columns + "where o.sink = ?1 and o.key = ?2 and o.held = 0");
    for (const auto& key : keys) {
      s.bind(the_sink, key.str());
      if (s.step()) rows.push_back(read_row(db, s));
      s.reset();
    }
    return rows;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<void>> outbox::confirm(std::vector<outbox_key> rows,
                                              std::vector<std::pair<product_id, std::string>> older_ids) {
  auto work = [rows = std::move(rows), older_ids = std::move(older_ids)](connection& db) -> result<void> {
    bool any_failed = false;
    {
      auto s = db.prepare("select 1 from failures limit 1");
      any_failed = s.step();
    }
    for (const auto& row : rows) {
      db.run("delete from outbox where sink = ?1 and key = ?2 and seq = ?3", the_sink, row.key.str(),
             row.seq);
      if (!any_failed) continue;
      // The sink has what the product's dead letters would have brought.
      db.run("update failures set parts = 0 where sink = ?1 and key = ?2 and op = 'upsert' and parts <> 0",
             the_sink, row.key.str());
    }
    for (const auto& [id, older] : older_ids)
      db.run("update products set sink_key = ?2 where id = ?1", id.str(), older);
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<std::optional<product_id>>> outbox::other_holder(std::string sink_id,
                                                                        product_id than) {
  auto work = [sink_id = std::move(sink_id),
               than = std::move(than)](connection& db) -> result<std::optional<product_id>> {
    auto s = db.prepare(
        "select id from products where gone_at is null and id <> ?2 and (sink_key = ?1 or (id = ?1 and "
        "sink_key is null)) and last_run >= (select last_run from products where id = ?2) limit 1");
    s.bind(sink_id, than.str());
    if (!s.step()) return std::optional<product_id>();
    return std::optional(product_id(s.text(0)));
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<void>> outbox::postpone(std::vector<outbox_key> rows, wall_time next_try, error why) {
  auto work = [rows = std::move(rows), next_try, why = std::move(why)](connection& db) -> result<void> {
    const auto text = why.to_string();
    for (const auto& row : rows)
      // The error is kept also where the row has changed meanwhile, the wait too: the sink may still be at
      // work on it.
      db.run(
          "update outbox set attempts = attempts + 1, next_try = ?3, last_error = ?4, history = iif("
          "json_array_length(history) < ?5, json_insert(history, '$[#]', json_object('at', ?6, 'error', "
          "?4)), history) "
          "where sink = ?1 and key = ?2",
          the_sink, row.key.str(), to_millis(next_try), text, most_attempts_kept, to_millis(wall_now()));
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<void>> outbox::release(std::vector<outbox_key> rows) {
  auto work = [rows = std::move(rows)](connection& db) -> result<void> {
    for (const auto& row : rows)
      db.run("update outbox set next_try = 0 where sink = ?1 and key = ?2", the_sink, row.key.str());
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<void>> outbox::bury(std::vector<dead_letter> rows) {
  auto work = [rows = std::move(rows)](connection& db) -> result<void> {
    for (const auto& letter : rows) {
      db.run(
          "insert into failures (sink, key, op, parts, payload, reason, sink_code, sink_words, attempts, "
          "died) "
          "select o.sink, o.key, o.op, o.parts, coalesce(p.fields, '{}'), ?4, ?5, ?6, o.history, ?7 "
          "from outbox o left join products p on p.id = o.key where o.sink = ?1 and o.key = ?2 and o.seq = "
          "?3",
          the_sink, letter.row.key.str(), letter.row.seq, letter.reason, letter.sink_code, letter.sink_words,
          to_millis(wall_now()));
      const bool left = db.run("delete from outbox where sink = ?1 and key = ?2 and seq = ?3", the_sink,
                               letter.row.key.str(), letter.row.seq) > 0;
      // What the product has become since does not wait as the refused version did.
      if (!left)
        db.run("update outbox set next_try = 0 where sink = ?1 and key = ?2", the_sink, letter.row.key.str());
    }
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<outbox_counts>> outbox::counts(wall_time now) {
  auto work = [now](connection& db) -> result<outbox_counts> {
    outbox_counts c;
    auto s = db.prepare(
        "select count(*), coalesce(sum(held), 0), coalesce(sum(held = 0 and next_try <= ?2), 0), "
        "min(iif(held = 0 and next_try > ?2, next_try, null)) from outbox where sink = ?1");
    s.bind(the_sink, to_millis(now));
    s.step();
    c.waiting = s.integer(0);
    c.held = s.integer(1);
    c.due = s.integer(2);
    if (const auto next = s.optional_integer(3)) c.next_try = from_millis(*next);
    return c;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::int64_t>> outbox::waiting(std::vector<site_name> sites) {
  auto work = [sites = std::move(sites)](connection& db) -> result<std::int64_t> {
    std::int64_t waiting = 0;
    for (const auto& site : sites) {
      auto s = db.prepare(
          "select count(*) from outbox o join products p on p.id = o.key where o.sink = ?1 and p.site = ?2");
      s.bind(the_sink, site.str());
      if (s.step()) waiting += s.integer(0);
    }
    return waiting;
  };
  co_return co_await db_->internals().read(std::move(work));
}

namespace {

struct unsent {
  std::string id, field_hash, state;
  std::optional<std::string> vector_url;
};

/// The models of the vectors in use.
std::set<std::string> models_in_use(connection& db) {
  std::set<std::string> fingerprints;
  auto s = db.prepare(
      "select distinct i.fingerprint from products p join images i on i.url = p.vector_url "
      "where p.vector_state = 'ready' and p.gone_at is null");
  while (s.step()) fingerprints.insert(s.text(0));
  return fingerprints;
}

int enqueue_unsent(connection& db) {
  std::vector<unsent> rows;
  {
    auto s = db.prepare(
        "select id, field_hash, vector_state, vector_url from products where sink_hash is null and gone_at "
        "is null and not exists (select 1 from adopted a where a.id = products.id) order by number");
    while (s.step()) rows.push_back({s.text(0), s.text(1), s.text(2), s.optional_text(3)});
  }
  const auto in_use = models_in_use(db);
  for (const auto& row : rows) {
    int parts = fields_part;
    std::optional<std::string> mark;
    if (row.vector_url) {
      auto trained = db.prepare("select 1 from images where url = ?1 and untrained = 0");
      trained.bind(*row.vector_url);
      const auto image = find_image(db, *row.vector_url);
      // That of an older picture goes along, but none of an older model: one of another width parks the sink.
      if (trained.step() && (row.state == "ready" || in_use.count(image.fingerprint) > 0)) {
        parts |= vector_part;
        mark = image.mark(*row.vector_url);
      }
    }
    enqueue_upsert(db, product_id(row.id), parts, row.state == "pending", wall_now());
    db.run("update products set sink_hash = ?2, sink_vector = ?3 where id = ?1", row.id, row.field_hash,
           mark);
  }
  return static_cast<int>(rows.size());
}

}  // namespace

asio::awaitable<result<int>> outbox::adopt_sink(std::string identity) {
  auto work = [identity = std::move(identity)](connection& db) -> result<int> {
    std::optional<std::string> before;
    {
      auto s = db.prepare("select value from facts where name = 'sink'");
      if (s.step()) before = s.text(0);
    }
    if (before == identity) return 0;
    if (before) {
      db.run("delete from outbox where sink = ?1", the_sink);
      adoption(db, wall_now()).forget();
      db.run("update products set sink_hash = null, sink_vector = null, sink_text = null, sink_key = null");
    }
    db.run("update products set text_due = 1 where sink_text is null");
    db.run("insert or replace into facts (name, value) values ('sink', ?1)", identity);
    return enqueue_unsent(db);
  };
  co_return co_await db_->internals().write(std::move(work));
}

}  // namespace catwalk::storage
