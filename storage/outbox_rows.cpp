#include "storage/outbox_rows.hpp"

namespace catwalk::storage {

namespace {

std::int64_t next_sequence(sqlite::connection& db) {
  auto next = db.prepare("update outbox_sequence set next = next + 1 returning next - 1");
  next.step();
  return next.integer(0);
}

}  // namespace

void enqueue_upsert(sqlite::connection& db, const product_id& key, int parts, bool held, wall_time now) {
  db.run(
      "insert into outbox (sink, key, seq, op, parts, held, created) values (?1, ?2, ?3, 'upsert', ?4 | "
      "coalesce((select parts from failures where sink = ?1 and key = ?2 and op = 'upsert' order by id desc "
      "limit 1), 0), ?5, ?6) "
      "on conflict (sink, key) do update set seq = excluded.seq, "
      "parts = excluded.parts | (case op when 'upsert' then parts else 0 end), op = excluded.op, held = "
      "excluded.held",
      the_sink, key.str(), next_sequence(db), parts, held, to_millis(now));
}

void enqueue_delete(sqlite::connection& db, const product_id& key, wall_time now) {
  db.run(
      "insert into outbox (sink, key, seq, op, parts, held, created) values (?1, ?2, ?3, 'delete', 0, 0, ?4) "
      "on conflict (sink, key) do update set seq = excluded.seq, parts = 0, op = excluded.op, held = 0",
      the_sink, key.str(), next_sequence(db), to_millis(now));
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
