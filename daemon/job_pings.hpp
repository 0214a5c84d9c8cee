#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>

#include "config/settings.hpp"
#include "core/http_client.hpp"
#include "core/task_group.hpp"

namespace catwalk::daemon {

/// A dead man's switch for jobs (`ping_url`), as healthchecks.io and its like take it: `URL/start`, then
/// `URL` for success or `URL/fail`, each a POST with a few words. A ping that fails is a warning and holds
/// nothing up. Loop-only.
class job_pings {
 public:
  job_pings(boost::asio::any_io_executor loop, const config::fetch_settings& fetch);

  void started(const config::job_settings& job);
  void ended(const config::job_settings& job, bool success, std::string words);
  /// Gives the last pings a few seconds.
  boost::asio::awaitable<void> stop();

 private:
  void send(const config::job_settings& job, std::string_view suffix, std::string words);
  boost::asio::awaitable<void> ask(std::string job, std::string url, std::string words);
  boost::asio::awaitable<void> cancel_soon();

  boost::asio::any_io_executor loop_;
  http_client http_;
  task_group tasks_;
};

/// `url` with `suffix` at the end of its path: "https://x/id?a=1" and "/fail" give "https://x/id/fail?a=1".
std::string ping_address(std::string_view url, std::string_view suffix);

}  // namespace catwalk::daemon
