#include <filesystem>
#include <iterator>

#include "storage/state_folder.hpp"
#include "storage/state_maintenance.hpp"
#include "storage/state_operations.hpp"

namespace catwalk::storage {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

/// One kind of row that has its time. `sql` deletes at most ?2 of those older than ?1.
struct kind {
  std::int64_t pruned_rows::*counted;
  std::chrono::milliseconds retention_limits::*kept;
  const char* sql;
};

constexpr kind kinds[] = {
    {&pruned_rows::runs, &retention_limits::runs,
     "delete from runs where id in (select id from runs where finished is not null and finished < ?1 "
     "limit ?2)"},
    {&pruned_rows::failures, &retention_limits::failures,
     "delete from failures where id in (select id from failures where died < ?1 limit ?2)"},
    {&pruned_rows::products, &retention_limits::gone_products,
     "delete from products where number in (select number from products where gone_at is not null "
     "and gone_at < ?1 and not exists (select 1 from outbox where outbox.sink = 'main' and outbox.key = "
     "products.id) limit ?2)"},
    // Of a product that is still there its latest change before the limit stays: what it cost since then.
    {&pruned_rows::events, &retention_limits::gone_products,
     "delete from events where number in (select e.number from events e where e.at < ?1 and (e.product is "
     "null or exists (select 1 from events l where l.product = e.product and l.number > e.number and l.at < "
     "?1)) limit ?2)"},
    {&pruned_rows::pages, &retention_limits::gone_products,
     "delete from pages where (site, endpoint, url) in (select site, endpoint, url from pages "
     "where fetched < ?1 limit ?2)"},
    // After the products: theirs may be among them. One that was embedded lately stays: its product may be on
    // its way.
    {&pruned_rows::images, &retention_limits::gone_products,
     "delete from images where url in (select url from images where coalesce(embedded, 0) < ?1 "
     "and not exists (select 1 from products where products.image_url = images.url) "
     "and not exists (select 1 from products where products.vector_url = images.url and "
     "products.vector_url <> products.image_url) limit ?2)"},
    {&pruned_rows::texts, &retention_limits::gone_products,
     "delete from texts where hash in (select hash from texts where embedded < ?1 "
     "and not exists (select 1 from products where products.text_hash = texts.hash) limit ?2)"},
};

constexpr int rows_at_once = 500;

/// Removes the database's copies of a kind, but the latest.
result<int> keep_the_latest(const fs::path& database, const std::string& mark) {
  auto copies = numbered_copies(database, mark);
  if (!copies.empty()) copies.erase(std::prev(copies.end()));
  std::error_code failed;
  for (const auto& [number, copy] : copies)
    if (!fs::remove(copy, failed) && failed)
      return error{errc::io, "cannot remove an old copy of the state", copy.string(), failed.message(), ""};
  return static_cast<int>(copies.size());
}

result<int> prune_copies(const fs::path& state_dir) {
  const auto database = find_state(state_dir);
  if (!database) return database.error();
  const auto migrated = keep_the_latest(*database, ".before-v");
  if (!migrated) return migrated.error();
  const auto replaced = keep_the_latest(*database, ".replaced-");
  if (!replaced) return replaced.error();
  return *migrated + *replaced;
}

}  // namespace

asio::awaitable<result<pruned_rows>> prune_state(std::shared_ptr<state_database> db, retention_limits limits,
                                                 wall_time now) {
  pruned_rows pruned;
  for (const auto& one : kinds) {
    const auto before = to_millis(now - limits.*one.kept);
    for (;;) {
      auto work = [sql = one.sql, before](sqlite::connection& c) -> result<int> {
        return c.run(sql, before, rows_at_once);
      };
      const auto deleted = co_await db->internals().write(std::move(work));
      if (!deleted) co_return deleted.error();
      pruned.*one.counted += *deleted;
      if (*deleted < rows_at_once) break;
    }
  }
  auto work = [dir = db->dir()](sqlite::connection&) { return prune_copies(dir); };
  const auto copies = co_await db->internals().write(std::move(work));
  if (!copies) co_return copies.error();
  pruned.copies = *copies;
  co_return pruned;
}

}  // namespace catwalk::storage
