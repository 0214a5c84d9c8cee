#include "scrape/robots_cache.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <optional>
#include <utility>

#include "scrape/fetcher.hpp"
#include "scrape/retry_policy.hpp"
#include "scrape/robots.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
constexpr auto wait_for = asio::as_tuple(asio::use_awaitable);

constexpr std::chrono::hours kept_for{24};
constexpr std::chrono::minutes unreachable_for{10};
constexpr std::size_t bytes_read = robots::max_bytes;
constexpr int attempts = 3;

error forbidden(const std::string& on, std::string why) {
  return error{errc::robots, "robots.txt forbids the address", on, std::move(why),
               "`respect_robots: false` at the site, where its owner permits that"};
}

}  // namespace

/// What is known of one origin.
struct robots_cache::entry {
  std::optional<robots> rules;         ///< nullopt: nothing may be fetched
  std::string why;                     ///< without rules: what happened
  std::optional<error> refused;        ///< the address guard refused the host itself
  std::optional<steady_time> expires;  ///< nullopt: not fetched yet
  bool fetching = false;
  std::list<asio::steady_timer> waiting;
};

robots_cache::robots_cache(asio::any_io_executor loop, http_client& http, std::string user_agent,
                           std::chrono::milliseconds backoff, std::function<steady_time()> now)
    : loop_(std::move(loop)),
      http_(http),
      user_agent_(std::move(user_agent)),
      backoff_(backoff),
      now_(std::move(now)) {}
robots_cache::~robots_cache() = default;

asio::awaitable<result<robots_cache::permission>> robots_cache::check(const url& address,
                                                                      const std::string& agent,
                                                                      const std::string& proxy) {
  std::shared_ptr<entry>& slot = entries_[host_key(address)];
  if (!slot) slot = std::make_shared<entry>();
  const std::shared_ptr<entry> known = slot;
  while (!known->expires || *known->expires <= now_()) {
    if (known->fetching) {
      // Another request is asking. Should that one be cancelled, the first to wake asks instead.
      const auto place = known->waiting.emplace(known->waiting.end(), loop_, steady_time::max());
      struct unlist {
        entry& of;
        std::list<asio::steady_timer>::iterator place;
        ~unlist() { of.waiting.erase(place); }
      } const leaving{*known, place};
      co_await place->async_wait(wait_for);
      continue;
    }
    known->fetching = true;
    struct wake {
      entry& of;
      ~wake() {
        of.fetching = false;
        for (auto& timer : of.waiting) timer.cancel();
      }
    } const done{*known};
    const auto refreshed = co_await refresh(*known, address, proxy);
    if (refreshed.has_error()) co_return refreshed.error();
  }

  if (known->refused) co_return *known->refused;
  const std::string shown = redacted(address.str());
  if (!known->rules) {
    // Nobody forbids it: the answer is not to be had for now, which the status tells apart.
    error unknown{errc::robots, "nothing is read without robots.txt", shown, known->why,
                  "catwalk asks again in some minutes"};
    unknown.http_status = 503;
    co_return unknown;
  }
  const std::string path = address.query.empty() ? address.path : address.path + '?' + address.query;
  const robots_verdict verdict = known->rules->allowed(agent, path);
  if (!verdict) {
    co_return forbidden(
        shown, "line " + std::to_string(verdict.line) + " for " + agent + " says `" + verdict.rule + '`');
  }
  permission granted;
  granted.crawl_delay = known->rules->crawl_delay(agent).value_or(std::chrono::milliseconds(0));
  co_return granted;
}

asio::awaitable<result<void>> robots_cache::refresh(entry& of, const url& address, const std::string& proxy) {
  const auto body = std::make_shared<std::string>();
  http_request request;
  request.url = address.scheme + "://" + address.host;
  if (address.port != (address.scheme == "https" ? 443 : 80))
    request.url += ':' + std::to_string(address.port);
  request.url += "/robots.txt";
  request.headers.set("User-Agent", user_agent_);
  request.headers.set("Accept", "text/plain, */*;q=0.5");
  request.timeout = std::chrono::seconds(30);
  request.max_bytes = 20 * bytes_read;
  request.proxy = proxy;
  request.on_body = [body](std::string_view piece) -> result<void> {
    body->append(piece.substr(0, bytes_read - std::min(bytes_read, body->size())));
    return {};
  };

  retry_policy retries(attempts, backoff_);
  for (;;) {
    body->clear();
    http_request attempt = request;
    const auto response = co_await http_.fetch(std::move(attempt));
    of.refused.reset();
    error failure;
    if (response.has_value() && response->status < 500) {
      // A client error or a redirect that leads nowhere means that there is no robots.txt.
      const bool found = response->status >= 200 && response->status < 300;
      of.rules = robots::parse(found ? std::string_view(*body) : std::string_view());
      of.expires = now_() + kept_for;
      co_return result<void>();
    }
    if (response.has_value()) {
      failure = error{errc::http_status, "cannot fetch robots.txt", request.url,
                      "it answered " + std::to_string(response->status), ""};
      failure.http_status = response->status;
    } else {
      failure = response.error();
    }
    if (failure.code == errc::cancelled) co_return failure;
    if (failure.code == errc::too_many_redirects || failure.code == errc::too_large) {
      of.rules =
          robots::parse(failure.code == errc::too_large ? std::string_view(*body) : std::string_view());
      of.expires = now_() + kept_for;
      co_return result<void>();
    }
    if (const auto wait = retries.after(failure, std::nullopt, 0.5)) {
      asio::steady_timer pause(loop_, *wait);
      const auto [stopped] = co_await pause.async_wait(wait_for);
      if (stopped) co_return error{errc::cancelled, "stopped asking for robots.txt", request.url, "", ""};
      continue;
    }
    if (failure.code == errc::refused_address) of.refused = failure;
    of.why = "it could not be fetched: " + failure.to_string();
    of.expires = now_() + unreachable_for;
    co_return result<void>();
  }
}

std::shared_ptr<robots_cache> make_robots_cache(asio::any_io_executor loop, http_client& http,
                                                std::string user_agent) {
  return std::make_shared<robots_cache>(std::move(loop), http, std::move(user_agent));
}

}  // namespace catwalk::scrape
