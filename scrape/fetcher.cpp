#include "scrape/fetcher.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <list>
#include <random>
#include <utility>

#include "core/url.hpp"
#include "scrape/block_page.hpp"
#include "scrape/lane_gate.hpp"
#include "scrape/page_renderer.hpp"
#include "scrape/retry_after.hpp"
#include "scrape/retry_policy.hpp"
#include "scrape/robots_cache.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
constexpr auto wait_for = asio::as_tuple(asio::use_awaitable);

error stopped_fetching(const std::string& on) {
  return error{errc::cancelled, "stopped fetching", on, "", ""};
}

/// The answer, or the error that its status or its body means.
result<http_response> judged(result<http_response> response, const std::string& on) {
  if (response.has_error()) return response;
  const int status = response->status;
  const auto refused = [&](std::string seen) {
    error failure{errc::blocked, "the shop refuses the request", on, std::move(seen),
                  "raise the site's `delay`, wait, or give it a `proxy`"};
    failure.http_status = status;
    return failure;
  };
  if (auto seen = recognise_block_page(*response))
    return refused(*seen + ", status " + std::to_string(status));
  if (status == 403) return refused("it answered 403");
  if (status == 429) return refused("it answered 429, too many requests");
  if (status < 400 || status == 404 || status == 410) return response;
  error failure{errc::http_status, "the shop failed to answer", on, "status " + std::to_string(status), ""};
  failure.http_status = status;
  return failure;
}

}  // namespace

class fetcher::impl {
 public:
  impl(asio::any_io_executor loop, http_client& http, std::shared_ptr<robots_cache> robots, options opt,
       observer on_response)
      : loop_(std::move(loop)),
        http_(http),
        robots_(std::move(robots)),
        options_(std::move(opt)),
        on_response_(std::move(on_response)),
        gate_(options_.lane.concurrency, options_.lane.per_host),
        random_(std::random_device{}()) {}

  asio::awaitable<result<http_response>> fetch(fetch_request request) {
    const std::string shown = redacted(request.http.url);
    try {
      co_return co_await fetch_politely(request, shown);
    } catch (const boost::system::system_error& stopped) {
      if (stopped.code() != asio::error::operation_aborted) throw;
      co_return stopped_fetching(shown);
    }
  }

 private:
  /// A place in the gate's line, then a started request; given back when it goes out of scope.
  class place {
   public:
    place(impl& owner, const std::string& host) : owner_(owner), ticket_(owner.gate_.join(host)) {}
    ~place() {
      if (!finished_) owner_.gate_.leave(ticket_, steady_now());
      owner_.wake_all();
    }
    place(const place&) = delete;
    place& operator=(const place&) = delete;

    lane_gate::verdict ask(milliseconds delay) {
      return owner_.gate_.ask(ticket_, steady_now(), delay, owner_.random());
    }
    void finish(request_outcome outcome, std::optional<milliseconds> pause) {
      owner_.gate_.finish(ticket_, steady_now(), outcome, pause);
      finished_ = true;
    }

   private:
    impl& owner_;
    lane_gate::ticket ticket_;
    bool finished_ = false;
  };

  /// One coroutine that waits for the gate.
  struct waiter {
    waiter(impl& owner, std::optional<steady_time> at)
        : line(owner.waiters_), timer(owner.loop_, at.value_or(steady_time::max())) {
      self = line.insert(line.end(), this);
    }
    ~waiter() { line.erase(self); }
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    std::list<waiter*>& line;
    asio::steady_timer timer;
    std::list<waiter*>::iterator self;
    bool woken = false;
  };

  asio::awaitable<result<http_response>> fetch_politely(const fetch_request& request,
                                                        const std::string& shown) {
    const auto address = parse_url(request.http.url);
    if (address.has_error()) co_return address.error();
    milliseconds delay = request.delay.value_or(options_.lane.delay);
    if (request.respect_robots) {
      const auto permitted = co_await robots_->check(*address, options_.robots_agent, request.http.proxy);
      if (permitted.has_error()) co_return permitted.error();
      delay = std::max(delay, permitted->crawl_delay);
    }
    const std::string host = host_key(*address);
    retry_policy retries(options_.max_attempts, options_.backoff);
    for (;;) {
      std::optional<milliseconds> pause;
      auto answer = co_await attempt(request, host, shown, delay, pause);
      if (answer.has_value()) co_return answer;
      const auto wait = retries.after(answer.error(), pause, random());
      if (!wait) co_return with_attempts(answer.error(), retries.attempts());
      asio::steady_timer timer(loop_, *wait);
      const auto [stopped] = co_await timer.async_wait(wait_for);
      if (stopped) co_return stopped_fetching(shown);
    }
  }

  /// Waits for the gate and asks once. `pause` gets what the server asked for.
  asio::awaitable<result<http_response>> attempt(const fetch_request& request, const std::string& host,
                                                 const std::string& shown, milliseconds delay,
                                                 std::optional<milliseconds>& pause) {
    place mine(*this, host);
    for (;;) {
      const lane_gate::verdict verdict = mine.ask(delay);
      if (verdict.go) break;
      waiter waiting(*this, verdict.at);
      const auto [ended] = co_await waiting.timer.async_wait(wait_for);
      if (ended && !waiting.woken) co_return stopped_fetching(shown);
    }
    wake_all();  // the next in the line of this host learns when its turn comes

    if (request.restart) request.restart();
    auto response = co_await ask(request);
    auto outcome = request_outcome::failed;
    if (response.has_value()) {
      const int status = response->status;
      outcome = status == 429 || status == 503 ? request_outcome::overloaded : request_outcome::answered;
      if (status == 429 || status >= 500) {
        if (const auto header = response->headers.find("Retry-After"))
          pause = parse_retry_after(*header, wall_now());
      }
      if (on_response_) on_response_(request.site, status);
    }
    std::optional<milliseconds> held = pause;
    if (held) held = std::min<milliseconds>(*held, retry_policy::longest_pause);
    mine.finish(outcome, held);
    co_return judged(std::move(response), shown);
  }

  asio::awaitable<result<http_response>> ask(const fetch_request& request) {
    if (request.renderer != nullptr) {
      auto rendered = co_await request.renderer->render(request.http, request.wait_for);
      if (rendered.has_error()) co_return rendered.error();
      if (rendered->has_value()) co_return std::move(**rendered);
    }
    http_request http = request.http;
    co_return co_await http_.fetch(std::move(http));
  }

  static error with_attempts(error failure, int attempts) {
    if (attempts > 1) {
      failure.why +=
          (failure.why.empty() ? "" : "; ") + std::string("tried ") + std::to_string(attempts) + " times";
    }
    return failure;
  }

  double random() { return std::uniform_real_distribution<double>(0.0, 1.0)(random_); }

  void wake_all() {
    for (waiter* waiting : waiters_) {
      waiting->woken = true;
      waiting->timer.cancel();
    }
  }

  asio::any_io_executor loop_;
  http_client& http_;
  std::shared_ptr<robots_cache> robots_;
  options options_;
  observer on_response_;
  lane_gate gate_;
  std::list<waiter*> waiters_;
  std::minstd_rand random_;
};

fetcher::fetcher(asio::any_io_executor loop, http_client& http, std::shared_ptr<robots_cache> robots,
                 options opt, observer on_response)
    : impl_(std::make_unique<impl>(std::move(loop), http, std::move(robots), std::move(opt),
                                   std::move(on_response))) {}
fetcher::~fetcher() = default;

asio::awaitable<result<http_response>> fetcher::fetch(fetch_request request) {
  return impl_->fetch(std::move(request));
}

}  // namespace catwalk::scrape
