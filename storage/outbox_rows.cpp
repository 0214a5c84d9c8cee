#include "storage/outbox_rows.hpp"

namespace catwalk::storage {

namespace {

std::int64_t next_in_sequence(sqlite::connection& db) {
  auto s = db.prepare("select next from outbox_sequence");
  s.step();
  return s.integer(0);
}

void go_on_in_sequence(sqlite::connection& db, std::int64_t next) {
  db.run("update outbox_sequence set next = ?1", next);
}

bool has_dead_letters(sqlite::connection& db) {
  auto s = db.prepare("select 1 from failures limit 1");
  return s.step();
}

int parts_of_last_dead_letter(sqlite::connection& db, const product_id& key) {
  auto s = db.prepare(
      "select parts from failures where sink = ?1 and key = ?2 and op = 'upsert' order by id desc limit 1");
  s.bind(the_sink, key.str());
  return s.step() ? static_cast<int>(s.integer(0)) : 0;
}

/// Whether a product that is there has the sink's row which was this one's: it took it over with the address.
bool row_is_anothers(sqlite::connection& db, const product_id& key) {
  auto s = db.prepare(
      "select 1 from products mine join products other on other.id <> mine.id and other.gone_at is null and "
      "(other.sink_key = coalesce(mine.sink_key, mine.id) or (other.sink_key is null and other.id = "
      "mine.sink_key)) where mine.id = ?1 limit 1");
  s.bind(key.str());
  return s.step();
}

}  // namespace

void enqueue_upserts(sqlite::connection& db, const std::vector<due_upsert>& rows, wall_time now) {
  if (rows.empty()) return;
  const bool any_dead = has_dead_letters(db);
  auto seq = next_in_sequence(db);
  for (const auto& row : rows) {
    const int parts = row.parts | (any_dead ? parts_of_last_dead_letter(db, row.key) : 0);
    db.run(
        "insert into outbox (sink, key, seq, op, parts, held, created) values (?1, ?2, ?3, 'upsert', ?4, ?5, "
        "?6) on conflict (sink, key) do update set seq = excluded.seq, "
        "parts = excluded.parts | (case op when 'upsert' then parts else 0 end), op = excluded.op, held = "
        "excluded.held",
        the_sink, row.key.str(), seq++, parts, row.held, to_millis(now));
  }
  go_on_in_sequence(db, seq);
}

void enqueue_upsert(sqlite::connection& db, const product_id& key, int parts, bool held, wall_time now) {
  enqueue_upserts(db, {{key, parts, held}}, now);
}

void enqueue_delete(sqlite::connection& db, const product_id& key, wall_time now) {
  if (row_is_anothers(db, key)) {
    db.run("delete from outbox where sink = ?1 and key = ?2", the_sink, key.str());
    return;
  }
  const auto seq = next_in_sequence(db);
  db.run(
      "insert into outbox (sink, key, seq, op, parts, held, created) values (?1, ?2, ?3, 'delete', 0, 0, ?4) "
      "on conflict (sink, key) do update set seq = excluded.seq, parts = 0, op = excluded.op, held = 0",
      the_sink, key.str(), seq, to_millis(now));
  go_on_in_sequence(db, seq + 1);
  db.run("update products set sink_text = null, text_due = 1 where id = ?1", key.str());
}

void release_held(sqlite::connection& db, std::string_view image_url) {
  db.run(
      // Found by its key, not among all rows that are held: hence the sign.
      "update outbox set held = 0 where sink = ?1 and +held = 1 and key in (select id from products where "
      "image_url = ?2)",
      the_sink, image_url);
}

}  // namespace catwalk::storage
