#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "storage/catalogue.hpp"
#include "storage/outbox_rows.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// What commit_page does to the tables, inside the caller's transaction.
///
/// The row of a product that several listings hold is that of the last of them in the order of the site's
/// endpoints, whatever order the pages arrive in: within a run a lower listing never replaces a higher one.
/// Across runs a lower listing that arrives first is deferred, because the higher one may still come:
/// `settle` writes what was deferred and not overtaken. Without that, every run would change each such row
/// twice. A higher listing that did not come through keeps its rows for that run; when the next run of the
/// site does not confirm them either, what was deferred is written.
class page_transaction {
 public:
  page_transaction(sqlite::connection& db, wall_time now) : db_(db), now_(now) {}

  page_counts commit(const page_commit& page);
  /// Writes the deferred rows of a run, at its end. `read`: how its sites came through; a site that is not
  /// there is taken for one that did, and what waits of it goes on waiting.
  page_counts settle(run_id run, const std::vector<site_listing>& read);
  /// Forgets the deferred rows of a run that did not come to its end.
  void drop_deferred(run_id run);

 private:
  struct reading;
  struct stored;
  /// Returns the product's number; nullopt where it is not there.
  std::optional<std::int64_t> see(const reading& r, page_counts& counts);
  /// What a page lists and could not be read is not gone.
  void see_skipped(const std::vector<skipped_item>& items, std::int64_t endpoint, run_id run);
  /// Adds the price of a further country to a row that is of an earlier one. False where it is not.
  bool add_price(const reading& r, int position, page_counts& counts);
  /// Returns the product's number.
  std::int64_t write(const reading& r, const stored* before, page_counts& counts);
  void defer(const reading& r);
  struct deferred;
  std::vector<deferred> deferred_rows(run_id run);
  /// Whether a listing above the deferred one held the product and has not come through.
  bool may_still_hold(const deferred& row, const site_listing& read);
  void write_page(const page_commit& page);
  void list(std::int64_t endpoint, std::optional<std::int64_t> product, run_id run);
  /// Of a product that is not gone.
  std::optional<std::int64_t> number_of(const product_id& id);
  std::int64_t endpoint_number(const page_record& page);

  /// Puts what has changed into the outbox, and tells readers of vectors once for the whole transaction.
  void finish();

  sqlite::connection& db_;
  wall_time now_;
  std::vector<due_upsert> due_;   ///< of this transaction
  bool adopted_ = false;          ///< there are rows that wait for their product
  bool has_deferred_ = true;      ///< there may be deferred rows
  bool vectors_changed_ = false;  ///< other products have vectors, or the same have others
};

}  // namespace catwalk::storage
