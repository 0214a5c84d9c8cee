#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "storage/sink.hpp"
#include "storage/state_database.hpp"

namespace catwalk::storage {

/// One version of one row of the outbox. A change of the product gives its row another `seq`.
struct outbox_key {
  product_id key;
  std::int64_t seq = 0;
  friend bool operator==(const outbox_key&, const outbox_key&) = default;
};

struct outbox_counts {
  std::int64_t waiting = 0;           ///< every row
  std::int64_t held = 0;              ///< rows that wait for their vector
  std::int64_t due = 0;               ///< rows that can go now
  std::optional<wall_time> next_try;  ///< when the next row becomes due that is neither due nor held
};

/// Why a row became a dead letter.
struct dead_letter {
  outbox_key row;
  std::string reason;
  std::string sink_code;
  std::string sink_words;
};

/// The rows that wait for the sink, durable in the state database: one per product, latest wins. The payload
/// is built from `products` when it is asked for. What was asked for stays until it is confirmed, and a
/// confirmation touches that version alone: what changed meanwhile stays.
class outbox {
 public:
  explicit outbox(std::shared_ptr<state_database> db) : db_(std::move(db)) {}

  /// Rows that are due, oldest version first, of versions after `after`.
  boost::asio::awaitable<result<std::vector<sink_row>>> due(wall_time now, int limit, std::int64_t after = 0);
  /// These products' rows as they are now; those that left the outbox are missing.
  boost::asio::awaitable<result<std::vector<sink_row>>> fetch(std::vector<product_id> keys);
  /// `older_ids`: the ids under which the sink holds some of the products; they are used from now on.
  boost::asio::awaitable<result<void>> confirm(
      std::vector<outbox_key> rows, std::vector<std::pair<product_id, std::string>> older_ids = {});
  /// Which other product of the catalogue has the sink's row of this id, and was seen by a run no earlier
  /// than `than` was; nullopt: none, so that the row is `than`'s own, from before its id changed.
  boost::asio::awaitable<result<std::optional<product_id>>> other_holder(std::string sink_id,
                                                                         product_id than);
  /// Counts a try and its error, and keeps the rows back until `next_try`.
  boost::asio::awaitable<result<void>> postpone(std::vector<outbox_key> rows, wall_time next_try, error why);
  /// Makes rows that were kept back due at once; their errors stay.
  boost::asio::awaitable<result<void>> release(std::vector<outbox_key> rows);
  /// Moves rows to `failures`, with the payload's fields and every attempt.
  boost::asio::awaitable<result<void>> bury(std::vector<dead_letter> rows);
  boost::asio::awaitable<result<outbox_counts>> counts(wall_time now);
  /// How many rows wait that are of these sites.
  boost::asio::awaitable<result<std::int64_t>> waiting(std::vector<site_name> sites);
  /// Says which sink the outbox feeds. A sink that it has not fed before gets every product of the catalogue:
  /// those that were stored while there was no sink, or all of them when it was another sink. Vectors of an
  /// untrained model stay here. Returns how many rows were added.
  boost::asio::awaitable<result<int>> adopt_sink(std::string identity);

 private:
  std::shared_ptr<state_database> db_;
};

}  // namespace catwalk::storage
