#include "daemon/notifier.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "core/url.hpp"
#include "daemon/callback_client.hpp"
#include "daemon/webhook_signature.hpp"
#include "scrape/retry_after.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int events_at_once = 100;
/// How often the state is asked for more when all is told.
constexpr auto rest = 1s;
/// How far it came is written down at most so often: a crash tells the events since then again.
constexpr auto note_every = 1s;
constexpr auto count_every = 5s;
constexpr auto longest_answer = 15s;

}  // namespace

notifier::notifier(asio::any_io_executor loop, std::shared_ptr<storage::state_database> db,
                   const config::notify_settings& settings, const config::fetch_settings& fetch,
                   std::string key, catwalk::metrics& metrics)
    : loop_(std::move(loop)),
      feed_(std::move(db)),
      settings_(settings),
      key_(std::move(key)),
      http_(loop_, callback_client("notify", fetch)),
      metrics_(metrics),
      resting_(loop_) {}

asio::awaitable<void> notifier::run() {
  for (;;) {
    const auto confirmed = co_await feed_.confirmed();
    if (confirmed) {
      noted_ = *confirmed;
      break;
    }
    co_await database_failed(confirmed.error());
  }
  std::int64_t through = noted_;
  while (!status_.stopped) {
    co_await count_waiting();
    const auto batch = co_await feed_.next(through, events_at_once);
    if (!batch) {
      co_await database_failed(batch.error());
      continue;
    }
    co_await tell(*batch);
    if (status_.stopped) break;
    through = batch->through;
    const bool more = !batch->events.empty();
    co_await note_told(through, !more);
    if (more) continue;
    ++rests_;
    resting_.expires_after(rest);
    co_await resting_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  spdlog::error("notify.url: {} answered 410: it wants no more, and no event is sent until a new start",
                redacted(settings_.url));
}

asio::awaitable<void> notifier::tell(const storage::event_batch& batch) {
  for (const auto& event : batch.events) {
    for (auto& message : messages_of(event, settings_.events)) {
      co_await tell_until_taken(std::move(message));
      if (status_.stopped) co_return;
    }
    co_await note_told(event.number, false);
  }
}

asio::awaitable<void> notifier::tell_until_taken(event_message message) {
  using verdict = notify_policy::verdict;
  for (;;) {
    co_await sleep_until(policy_.not_before());
    const auto what = co_await send(message);
    if (what == verdict::again) {
      metrics_.notify_events("retried").Increment();
      co_await count_waiting();
      continue;
    }
    if (what == verdict::stopped) {
      status_.stopped = true;
    } else if (what == verdict::set_aside) {
      ++status_.set_aside;
      metrics_.notify_events("set_aside").Increment();
    } else {
      if (status_.problem) spdlog::info("notify.url: events are taken again");
      status_.problem.reset();
      ++status_.told;
      metrics_.notify_events("told").Increment();
    }
    co_return;
  }
}

asio::awaitable<notify_policy::verdict> notifier::send(const event_message& message) {
  http_request request;
  request.method = "POST";
  request.url = settings_.url;
  request.headers = webhook_headers(key_, message.id, wall_now(), message.body);
  request.headers.add("Content-Type", "application/json");
  request.body = message.body;
  request.timeout = longest_answer;
  request.max_bytes = 1'000'000;
  request.max_redirects = 0;
  const auto answer = co_await http_.fetch(std::move(request));
  if (!answer) {
    const auto what = policy_.on_silence(steady_now());
    if (answer.error().code != errc::cancelled) failed(message, answer.error().to_string(), true);
    co_return what;
  }
  std::optional<std::chrono::milliseconds> asked;
  if (const auto header = answer->headers.find("Retry-After"))
    asked = scrape::parse_retry_after(*header, wall_now());
  const auto what = policy_.on_answer(answer->status, asked, steady_now());
  if (what == notify_policy::verdict::again || what == notify_policy::verdict::set_aside)
    failed(message, redacted(settings_.url) + " answered " + std::to_string(answer->status),
           what == notify_policy::verdict::again);
  co_return what;
}

void notifier::failed(const event_message& message, std::string why, bool once_more) {
  // One line when it begins, and one for each event that is given up.
  if (!once_more)
    spdlog::error("notify.url: event {} ({}) is set aside: {}", message.id, message.type, why);
  else if (!status_.problem)
    spdlog::error("notify.url: {}; events wait in the state", why);
  else
    spdlog::debug("notify.url: {}", why);
  status_.problem = std::move(why);
}

asio::awaitable<void> notifier::note_told(std::int64_t through, bool at_once) {
  if (through == noted_ || (!at_once && steady_now() - noted_at_ < note_every)) co_return;
  const auto noted = co_await feed_.confirm(through);
  if (!noted) {
    spdlog::error("{}", noted.error().to_string());  // told again after a crash
    co_return;
  }
  noted_ = through;
  noted_at_ = steady_now();
}

asio::awaitable<void> notifier::count_waiting() {
  if (steady_now() - counted_at_ < count_every) co_return;
  counted_at_ = steady_now();
  const auto waiting = co_await feed_.waiting();
  if (!waiting) co_return;
  status_.waiting = *waiting;
  metrics_.notify_waiting().Set(static_cast<double>(*waiting));
}

asio::awaitable<bool> notifier::wait_until_idle(std::chrono::milliseconds at_most) {
  const auto deadline = steady_now() + at_most;
  const auto before = rests_;
  // The first rest may be one whose look at the state came before this call.
  while (rests_ < before + 2) {
    if (status_.stopped || status_.problem || steady_now() >= deadline) co_return false;
    resting_.cancel();
    co_await sleep_until(steady_now() + 20ms);
  }
  co_return true;
}

asio::awaitable<void> notifier::sleep_until(steady_time when) {
  if (when <= steady_now()) co_return;
  asio::steady_timer timer(loop_, when);
  co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> notifier::database_failed(error why) {
  spdlog::error("{}", why.to_string());
  co_await sleep_until(steady_now() + 5s);
}

}  // namespace catwalk::daemon
