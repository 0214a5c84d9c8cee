#pragma once
#include <string>
#include <vector>

#include "storage/catalogue.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// What a run's end does for one site, inside the caller's transaction: forgets what complete listings no
/// longer hold, counts the products that nothing lists any more, and lets those go that the guard permits.
///
/// What an incomplete listing used to hold stays listed; one that came through without a single product
/// counts as incomplete. What a listing held that was not even tried is forgotten, since the site no longer
/// has it, unless something failed that is itself no listing and may have led to it.
///
/// A row that was adopted and never seen may be of any listing: it is missed once all of them came through.
class sync_transaction {
 public:
  sync_transaction(sqlite::connection& db, wall_time now) : db_(db), now_(now) {}

  sync_outcome carry_out(const site_listing& read, const sync_request& request);
  /// What carry_out would let go if exactly `seen` had been seen; changes nothing.
  sync_preview preview(const site_listing& read, const std::vector<product_id>& seen,
                       const sync_request& request);

 private:
  /// Whether every listing came through with something.
  bool forget_unlisted(const site_listing& read);
  void let_go(const std::vector<product_id>& gone, run_id run, const sync_request& request);

  sqlite::connection& db_;
  wall_time now_;
};

}  // namespace catwalk::storage
