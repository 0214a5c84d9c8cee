#include "daemon/intake_gate.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace catwalk::daemon {

namespace asio = boost::asio;

intake_gate::intake_gate(asio::any_io_executor loop, std::string what, reason_to_pause why,
                         std::chrono::milliseconds look_again)
    : loop_(std::move(loop)), what_(std::move(what)), why_(std::move(why)), look_again_(look_again) {}

std::optional<std::string> intake_gate::closed() {
  auto reason = why_();
  if (reason && !closed_)
    spdlog::error("no further {} are fetched: {}; it goes on by itself", what_, *reason);
  if (!reason && closed_) spdlog::info("{} are fetched again", what_);
  closed_ = reason.has_value();
  return reason;
}

asio::awaitable<void> intake_gate::wait_until_open() {
  while (closed()) {
    asio::steady_timer timer(loop_, look_again_);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

}  // namespace catwalk::daemon
