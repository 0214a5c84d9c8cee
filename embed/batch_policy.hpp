#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "embed/encoder.hpp"

namespace catwalk::embed {

struct batch_options {
  std::size_t size = 32;               ///< items in a full batch
  std::chrono::milliseconds wait{20};  ///< the oldest bulk item's age at which a batch closes as it is
  /// While a query came within this time, bulk batches hold a quarter, so that the next one waits less.
  std::chrono::milliseconds busy_after_query{60'000};
};

/// What whoever asks for a batch takes.
enum class taking { both, bulk, queries };

/// Decides which of the prepared images go through the tower together, and when. No I/O, no clock, no lock:
/// the owner tells the time and carries the batches out.
///
/// Queries form a batch of their own and leave at once, before any bulk batch. Bulk leaves in order when a
/// batch is full, when its oldest item has waited long enough, or when the policy is closed. Expired items
/// leave beforehand.
class batch_policy {
 public:
  using item_id = std::uint64_t;

  explicit batch_policy(batch_options options) : options_(options) {}

  void add(item_id item, lane who, steady_time now, steady_time expires = steady_time::max());
  /// Forgets an item; false when it is not here (it left with a batch already).
  bool cancel(item_id item);
  /// Nothing waits from now on: what is left leaves at the next steps.
  void close() noexcept { closed_ = true; }

  struct step {
    std::vector<item_id> batch;    ///< run these now; empty: nothing is due
    lane who = lane::bulk;         ///< of the batch
    std::vector<item_id> expired;  ///< these have run out of time and were removed
    /// With an empty batch: when to ask again, unless something is added before; max: only then.
    steady_time wake = steady_time::max();
  };
  step next(steady_time now, taking from = taking::both);

  std::size_t size(lane who) const noexcept { return who == lane::bulk ? bulk_.size() : queries_.size(); }
  bool empty() const noexcept { return bulk_.empty() && queries_.empty(); }

 private:
  struct entry {
    item_id item;
    steady_time added, expires;
  };
  static void take(std::deque<entry>& from, std::size_t count, std::vector<item_id>& into);
  std::size_t bulk_size(steady_time now) const noexcept;

  const batch_options options_;
  std::deque<entry> bulk_, queries_;
  std::optional<steady_time> last_query_;
  bool closed_ = false;
};

}  // namespace catwalk::embed
