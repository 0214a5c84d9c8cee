#include "daemon/service_watch.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>

#include "daemon/application.hpp"
#include "daemon/service_notifier.hpp"
#include "daemon/service_status.hpp"
#include "daemon/watchdog_policy.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<service_status::seen> look_at(application& app, const embed::encoder_stats& stats) {
  service_status::seen seen;
  seen.runs = static_cast<int>(app.runs().active());
  seen.embedded = stats.images_done;
  if (const auto counts = co_await app.catalogue().counts()) seen.pending = counts->vectors_pending;
  if (const auto* writer = app.writer()) {
    const auto rows = writer->status();
    seen.rows_waiting = rows.waiting;
    seen.parked = rows.parked;
  }
  if (const auto next = app.next_run()) {
    const auto wait = std::chrono::floor<std::chrono::seconds>(*next - std::chrono::system_clock::now());
    seen.next_run = std::max(wait, std::chrono::seconds(0));
  }
  co_return seen;
}

}  // namespace

std::optional<std::chrono::milliseconds> time_between_kicks() {
  const auto period = watchdog_period();
  if (!period) return std::nullopt;
  return *period / 3;
}

asio::awaitable<void> keep_watchdog_kicked(asio::any_io_executor loop) {
  const auto pause = time_between_kicks();
  if (!pause) co_return;
  asio::steady_timer timer(loop);
  for (;;) {
    notify_alive();
    timer.expires_after(*pause);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> keep_service_manager_informed(application& app) {
  const char* socket = std::getenv("NOTIFY_SOCKET");
  if (socket == nullptr || *socket == '\0') co_return;
  constexpr std::chrono::milliseconds status_every{2000};
  const auto period = watchdog_period();
  const auto pause = std::min(status_every, time_between_kicks().value_or(status_every));
  watchdog_policy watchdog(period.value_or(std::chrono::hours(1)));
  service_status status;
  std::string shown;
  bool stuck = false;
  steady_time next_status = steady_now();
  asio::steady_timer timer(app.loop());
  for (;;) {
    const auto stats = app.encoder()->stats();
    const auto now = steady_now();
    if (watchdog.alive({stats.unanswered, stats.images_done + stats.images_failed}, now)) {
      if (period) notify_alive();
      stuck = false;
    } else if (!std::exchange(stuck, true)) {
      spdlog::critical(
          "no picture was embedded for {} s although {} wait: the workers hang; the service "
          "manager's watchdog is not kicked any more",
          std::chrono::duration_cast<std::chrono::seconds>(*period).count(), stats.unanswered);
    }
    if (now >= next_status) {
      next_status = now + status_every;
      auto seen = co_await look_at(app, stats);
      const auto line = status.line(seen, now);
      if (line != shown) notify_status(line);
      shown = line;
    }
    timer.expires_after(pause);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

}  // namespace catwalk::daemon
