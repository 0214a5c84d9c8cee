#include "storage/product_texts.hpp"

#include "core/clock.hpp"
#include "core/product.hpp"
#include "core/product_text.hpp"
#include "core/sha256.hpp"
#include "storage/outbox_rows.hpp"
#include "storage/state_operations.hpp"
#include "storage/text_rows.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;
using sqlite::connection;

namespace {

/// Gives a product its text, and the outbox its vector, where the product is as it was.
void settle(connection& db, const due_text& product, const std::string& fingerprint, bool to_sink,
            wall_time now) {
  bool pending = false;
  std::optional<std::string> sent;
  {
    auto s = db.prepare(
        "select vector_state = 'pending', sink_text from products where id = ?1 and field_hash = ?2 and "
        "gone_at "
        "is null");
    s.bind(product.id.str(), product.field_hash);
    if (!s.step()) return;
    pending = s.integer(0) != 0;
    sent = s.optional_text(1);
  }
  std::optional<std::string> hash;
  if (!product.text.empty()) hash = product.hash;
  db.run("update products set text_hash = ?2, text_due = 0 where id = ?1", product.id.str(), hash);
  if (!to_sink || !hash) return;
  const auto mark = text_mark(db, *hash, fingerprint);
  if (!mark || mark == sent) return;
  enqueue_upsert(db, product.id, text_part, pending, now);
  db.run("update products set sink_text = ?2 where id = ?1", product.id.str(), *mark);
}

}  // namespace

asio::awaitable<result<std::vector<due_text>>> product_texts::due(std::string fingerprint, int limit) {
  auto work = [fingerprint = std::move(fingerprint), limit](connection& db) -> result<std::vector<due_text>> {
    std::vector<due_text> due;
    auto s = db.prepare(
        "select id, field_hash, fields from products where text_due = 1 and gone_at is null and not exists "
        "(select 1 from adopted a where a.id = products.id) order by number limit ?1");
    s.bind(limit);
    while (s.step()) {
      due_text one{product_id(s.text(0)), s.text(1), "", "", false};
      one.text = product_from_text(s.text(2)).info_text();
      one.hash = sha256_hex(one.text);
      one.ready = text_mark(db, one.hash, fingerprint).has_value();
      due.push_back(std::move(one));
    }
    return due;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<void>> product_texts::commit(std::vector<std::pair<std::string, embedding>> vectors,
                                                    std::vector<due_text> products, std::string fingerprint,
                                                    bool to_sink) {
  auto work = [vectors = std::move(vectors), products = std::move(products),
               fingerprint = std::move(fingerprint), to_sink](connection& db) -> result<void> {
    const auto now = wall_now();
    for (const auto& [hash, vector] : vectors) write_text_vector(db, hash, vector, now);
    for (const auto& product : products) settle(db, product, fingerprint, to_sink, now);
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<int>> product_texts::expire(std::string fingerprint, bool to_sink) {
  auto work = [fingerprint = std::move(fingerprint), to_sink](connection& db) -> result<int> {
    return db.run(
        "update products set text_due = 1 where text_due = 0 and text_hash is not null and ((?2 and "
        "sink_text "
        "is null) or not exists (select 1 from texts t where t.hash = text_hash and t.fingerprint = ?1))",
        fingerprint, to_sink);
  };
  co_return co_await db_->internals().write(std::move(work));
}

}  // namespace catwalk::storage
