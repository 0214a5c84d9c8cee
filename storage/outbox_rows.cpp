#include "storage/outbox_rows.hpp"

namespace catwalk::storage {

namespace {

/// After the row that took it. Not `returning` it, for which SQLite would open a table each time.
void count_up_sequence(sqlite::connection& db) {
  db.run("update outbox_sequence set next = next + 1");
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

void enqueue_upsert(sqlite::connection& db, const product_id& key, int parts, bool held, wall_time now) {
  db.run(
      "insert into outbox (sink, key, seq, op, parts, held, created) values (?1, ?2, (select next "
      "from outbox_sequence), 'upsert', ?3 | "
      "coalesce((select parts from failures where sink = ?1 and key = ?2 and op = 'upsert' order by id desc "
      "limit 1), 0), ?4, ?5) "
      "on conflict (sink, key) do update set seq = excluded.seq, "
      "parts = excluded.parts | (case op when 'upsert' then parts else 0 end), op = excluded.op, held = "
      "excluded.held",
      the_sink, key.str(), parts, held, to_millis(now));
  count_up_sequence(db);
}

void enqueue_delete(sqlite::connection& db, const product_id& key, wall_time now) {
  if (row_is_anothers(db, key)) {
    db.run("delete from outbox where sink = ?1 and key = ?2", the_sink, key.str());
    return;
  }
  db.run(
      "insert into outbox (sink, key, seq, op, parts, held, created) values (?1, ?2, (select next "
      "from outbox_sequence), 'delete', 0, 0, ?3) "
      "on conflict (sink, key) do update set seq = excluded.seq, parts = 0, op = excluded.op, held = 0",
      the_sink, key.str(), to_millis(now));
  count_up_sequence(db);
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
