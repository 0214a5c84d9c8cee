#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/http_client.hpp"
#include "core/url.hpp"

namespace catwalk::scrape {

/// robots.txt by origin (scheme, host, port), fetched once and kept for 24 hours, as RFC 9309 has it: 2xx is
/// obeyed, 4xx and endless redirects permit everything, 5xx and no answer forbid everything (for 10 minutes,
/// then it is asked again; an older copy goes on being obeyed instead). The first 500 KiB are read.
/// Loop-only; shared by the lanes.
class robots_cache {
 public:
  struct permission {
    std::chrono::milliseconds crawl_delay{0};  ///< what `Crawl-delay` asks for, 60 s at most
  };

  /// `backoff` is waited before the second of three attempts; it doubles. `now` tells how old a copy is.
  robots_cache(boost::asio::any_io_executor loop, http_client& http, std::string user_agent,
               std::chrono::milliseconds backoff = std::chrono::seconds(1),
               std::function<steady_time()> now = steady_now);
  ~robots_cache();

  /// May `agent` (a product token) fetch this address? `robots` where it may not. `proxy` as http_request's.
  boost::asio::awaitable<result<permission>> check(const url& address, const std::string& agent,
                                                   const std::string& proxy);

 private:
  struct entry;
  boost::asio::awaitable<result<void>> refresh(entry& of, const url& address, const std::string& proxy);

  boost::asio::any_io_executor loop_;
  http_client& http_;
  std::string user_agent_;
  std::chrono::milliseconds backoff_;
  std::function<steady_time()> now_;
  std::unordered_map<std::string, std::shared_ptr<entry>> entries_;
};

}  // namespace catwalk::scrape
