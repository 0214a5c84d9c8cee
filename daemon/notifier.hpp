#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "config/settings.hpp"
#include "core/http_client.hpp"
#include "core/metrics.hpp"
#include "daemon/event_message.hpp"
#include "daemon/notify_policy.hpp"
#include "storage/event_feed.hpp"

namespace catwalk::daemon {

/// Tells the webhook `notify.url` what happened, in order, at least once: events are in the state from the
/// transaction that they tell of until the receiver has taken them, each under an id of its own. Loop-only.
class notifier {
 public:
  /// `key`: see webhook_key().
  notifier(boost::asio::any_io_executor loop, std::shared_ptr<storage::state_database> db,
           const config::notify_settings& settings, const config::fetch_settings& fetch, std::string key,
           catwalk::metrics& metrics);

  /// Works until it is cancelled.
  boost::asio::awaitable<void> run();
  /// Until everything that had happened when this was called is told; false: not within the time, or the
  /// receiver is away.
  boost::asio::awaitable<bool> wait_until_idle(std::chrono::milliseconds at_most);

  struct status {
    std::int64_t waiting = 0, told = 0, set_aside = 0;
    bool stopped = false;                ///< the receiver wants no more
    std::optional<std::string> problem;  ///< why the last try failed
  };
  status current() const { return status_; }

 private:
  boost::asio::awaitable<void> tell(const storage::event_batch& batch);
  boost::asio::awaitable<void> tell_until_taken(event_message message);
  /// One try.
  boost::asio::awaitable<notify_policy::verdict> send(const event_message& message);
  boost::asio::awaitable<void> sleep_until(steady_time when);
  boost::asio::awaitable<void> database_failed(error why);
  boost::asio::awaitable<void> note_told(std::int64_t through, bool at_once);
  boost::asio::awaitable<void> count_waiting();
  void failed(const event_message& message, std::string why, bool once_more);

  boost::asio::any_io_executor loop_;
  storage::event_feed feed_;
  const config::notify_settings& settings_;
  const std::string key_;
  http_client http_;
  catwalk::metrics& metrics_;
  notify_policy policy_{notify_policy::settings()};
  status status_;
  std::int64_t noted_ = 0;  ///< in the database
  steady_time noted_at_{}, counted_at_{};
  boost::asio::steady_timer resting_;
  std::uint64_t rests_ = 0;  ///< how often there was nothing to tell
};

}  // namespace catwalk::daemon
