#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>

#include "config/settings.hpp"
#include "config/site.hpp"
#include "core/metrics.hpp"
#include "core/task_group.hpp"
#include "daemon/intake_gate.hpp"
#include "embed/encoder.hpp"
#include "scrape/fetcher.hpp"
#include "storage/catalogue.hpp"

namespace catwalk::daemon {

struct image_counts {
  std::uint64_t fetched = 0;    ///< images whose bytes arrived
  std::uint64_t unchanged = 0;  ///< asked for again and found to be as they were
  std::uint64_t embedded = 0;   ///< vectors committed
  std::uint64_t failed = 0;
  std::uint64_t bytes = 0;
};

/// From "a vector is due" to "the vector is committed": asks the catalogue which images are due, fetches them
/// in their own lane, has them embedded, commits the vectors. Fed from the database, so that what a crash
/// interrupted is found again. Loop-only.
///
/// Back-pressure: no fetch starts while the images that wait for their vector are above `embed.queue` in
/// number or in bytes; it resumes at half of it. What is in flight on the wire (the lane's concurrency) comes
/// on top. No fetch starts either while the intake gate is closed.
class image_stage {
 public:
  struct parts {
    storage::catalogue& catalogue;
    scrape::fetcher& images;
    embed::image_encoder& encoder;
    intake_gate& intake;
    catwalk::metrics& metrics;
    const config::fetch_settings& fetch;
    const config::embed_settings& embed;
    std::function<const config::site*(const site_name&)> find_site;
    /// The run under way that the site is part of, for the log; 0: none.
    std::function<storage::run_id(const site_name&)> run_of;
    bool to_sink;                        ///< vectors go on to the outbox
    std::function<void()> on_committed;  ///< the outbox writer may have something to send
    boost::asio::any_io_executor cpu;    ///< the CPU pool: a picture of 20 MB is hashed for tens of ms
  };

  image_stage(const boost::asio::any_io_executor& loop, parts p);

  /// Starts the feeding coroutine.
  void start();
  /// New images may be due.
  void notify();
  /// Suspends until no image is due or in flight.
  boost::asio::awaitable<void> wait_until_idle();
  /// Starts no further fetch; what is in flight goes on.
  void stop_intake();
  /// Cancels what is in flight and waits for it.
  boost::asio::awaitable<void> stop();

  const image_counts& counts() const noexcept { return counts_; }
  std::size_t in_flight() const noexcept { return in_flight_.size(); }
  /// The first failures since start, for the summary; at most 20.
  const std::vector<error>& failures() const noexcept { return failures_; }

 private:
  class bytes_held;
  boost::asio::awaitable<void> feed();
  boost::asio::awaitable<void> process(storage::due_image image);
  boost::asio::awaitable<result<void>> fetch_and_embed(storage::due_image image);
  /// What is known of an image whose vector is of the model's own space: it can be found unchanged.
  std::optional<storage::known_image> comparable(const storage::due_image& image) const;
  boost::asio::awaitable<result<void>> confirm(storage::image_confirmation image);
  bool room_for_another();
  bool idle() const noexcept { return !unlooked_ && nothing_due_ && in_flight_.empty(); }

  boost::asio::any_io_executor loop_;
  parts parts_;
  std::unordered_set<std::string> in_flight_;
  image_counts counts_;
  std::vector<error> failures_;
  std::size_t fetching_ = 0;
  std::size_t held_bytes_ = 0;  ///< of images that are fetched and not yet embedded
  int failed_looks_ = 0;        ///< in a row
  bool above_mark_ = false;
  bool accepting_ = true;
  bool unlooked_ = true;            ///< the catalogue may hold due images that the feed has not asked for yet
  bool nothing_due_ = false;        ///< what the catalogue last answered
  boost::asio::steady_timer wake_;  ///< cancelled when there may be something to do
  boost::asio::steady_timer idle_;  ///< cancelled when idle
  task_group tasks_;
};

}  // namespace catwalk::daemon
