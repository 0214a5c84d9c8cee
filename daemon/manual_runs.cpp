#include "daemon/manual_runs.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace catwalk::daemon {

namespace asio = boost::asio;

/// How far the run has come for whoever waits for its number.
struct manual_runs::beginning {
  explicit beginning(asio::io_context& loop) : known(loop, asio::steady_timer::time_point::max()) {}
  storage::run_id run = 0;
  std::optional<error> failure;
  asio::steady_timer known;  ///< cancelled when there is one of them
};

asio::awaitable<result<storage::run_id>> manual_runs::begin(run_request request) {
  if (!app_.ready())
    co_return error{errc::model_missing, "cannot begin a run", "", "the daemon is still starting",
                    "try again in a moment"};
  if (stopping_) co_return error{errc::cancelled, "cannot begin a run", "", "the daemon stops", ""};
  auto told = std::make_shared<beginning>(app_.loop());
  request.on_begun = [told](storage::run_id run) {
    told->run = run;
    told->known.cancel();
  };
  tasks_.spawn("manual run", carry_out(std::move(request), told));
  while (told->run == 0 && !told->failure)
    co_await told->known.async_wait(asio::as_tuple(asio::use_awaitable));
  if (told->run != 0) co_return told->run;
  co_return *told->failure;
}

asio::awaitable<void> manual_runs::carry_out(run_request request, std::shared_ptr<beginning> told) {
  const auto report = co_await app_.runs().run(std::move(request));
  if (report) co_return;
  spdlog::error("{}", report.error().to_string());
  told->failure = report.error();
  told->known.cancel();
}

asio::awaitable<void> manual_runs::stop() {
  stopping_ = true;
  co_await tasks_.join();
}

}  // namespace catwalk::daemon
