#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "storage/catalogue.hpp"
#include "storage/product_events.hpp"
#include "storage/state_database.hpp"

namespace catwalk::storage {

/// A row of `events`, with what it is about.
struct recorded_event {
  std::int64_t number = 0;
  run_id run = 0;
  wall_time at{};
  std::string kind;             ///< as product_change has it, or job_failed
  std::optional<product> item;  ///< as it is now; nullopt for job_failed
  product_offer offer;
  std::optional<product_offer> before;  ///< the one that the offer followed; nullopt: none on record
  std::optional<run_summary> ended;     ///< of job_failed, while the run is remembered
};

struct event_batch {
  std::vector<recorded_event> events;
  std::int64_t through = 0;  ///< every event up to this number was looked at
};

/// Reads what happened, once, in order: a reader that remembers in the database how far it came. Events are
/// written in the transactions that they tell of, so none is missed; what was read and not confirmed is read
/// again.
class event_feed {
 public:
  explicit event_feed(std::shared_ptr<state_database> db) : db_(std::move(db)) {}

  /// Begins with what comes after now, where nothing is remembered.
  boost::asio::awaitable<result<void>> begin();
  /// Forgets how far it came: nobody listens.
  boost::asio::awaitable<result<void>> forget();
  /// The next events, at most `limit`, oldest first. What was on record before (`first`) is left out.
  boost::asio::awaitable<result<event_batch>> next(std::int64_t after, int limit);
  boost::asio::awaitable<result<std::int64_t>> confirmed();
  boost::asio::awaitable<result<void>> confirm(std::int64_t through);
  /// How many events have not been confirmed.
  boost::asio::awaitable<result<std::int64_t>> waiting();

 private:
  std::shared_ptr<state_database> db_;
};

}  // namespace catwalk::storage
