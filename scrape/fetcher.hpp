#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "config/settings.hpp"
#include "core/error.hpp"
#include "core/http_client.hpp"

namespace catwalk::scrape {

/// One polite request.
struct fetch_request {
  http_request http;
  std::string site;  ///< for metrics and logs
  bool respect_robots = true;
  std::optional<std::chrono::milliseconds> delay;  ///< wins over the lane's
  /// With `http.on_body`: called before each attempt, so that what an earlier one brought is dropped.
  std::function<void()> restart;
  /// Renders the page in a browser, with `wait_for` (see page_renderer); nullptr: the page as it is sent.
  class page_renderer* renderer = nullptr;
  std::string wait_for{};
};

/// A lane of polite requests to shops: robots.txt, a concurrency limit in all and per host, a delay with
/// jitter between two requests to a host, an AIMD throttle on 429 and 503, `Retry-After`, retries of what may
/// pass. Loop-only.
class fetcher {
 public:
  struct options {
    config::lane_settings lane;
    std::string robots_agent;  ///< the product token that robots.txt is asked for
    int max_attempts = 3;
    std::chrono::milliseconds backoff{1000};  ///< before the second attempt; it doubles
  };
  /// Called for each answer of a server: metrics.
  using observer = std::function<void(const std::string& site, int status)>;

  fetcher(boost::asio::any_io_executor loop, http_client& http, std::shared_ptr<class robots_cache> robots,
          options opt, observer on_response = {});
  ~fetcher();

  /// The answer, whatever its status below 400 or 404/410; `http_status` for others once retries are spent;
  /// `blocked` for block and challenge pages; `robots` where forbidden; and http_client's own errors.
  boost::asio::awaitable<result<http_response>> fetch(fetch_request request);

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

/// robots.txt by host, kept for 24 h, shared by the lanes.
std::shared_ptr<robots_cache> make_robots_cache(boost::asio::any_io_executor loop, http_client& http,
                                                std::string user_agent);

}  // namespace catwalk::scrape
