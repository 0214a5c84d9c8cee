#pragma once
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "core/clock.hpp"
#include "daemon/application.hpp"

namespace catwalk::daemon {

/// The API's `Status`: what the daemon does now. Loop-only; `app` outlives it.
class live_status {
 public:
  explicit live_status(application& app);
  boost::asio::awaitable<nlohmann::json> read();

 private:
  /// Counting walks the whole catalogue: no more often than this.
  static constexpr std::chrono::seconds count_every{2};

  nlohmann::json model_json();

  application& app_;
  const std::string instance_;
  storage::catalogue_counts counts_;
  steady_time counted_{};
};

/// Whether two statuses differ in more than the time; anything differs from null.
bool differs(const nlohmann::json& before, const nlohmann::json& now);

}  // namespace catwalk::daemon
