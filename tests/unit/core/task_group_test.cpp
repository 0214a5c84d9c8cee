#include "core/task_group.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "core/offload.hpp"
#include "tests/support/catch.hpp"

namespace asio = boost::asio;
using catwalk::task_group;

namespace {

asio::awaitable<void> wait_for_ever(int& ended) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_at(asio::steady_timer::time_point::max());
  struct guard {
    int& n;
    ~guard() { ++n; }
  } g{ended};
  co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> return_at_once(int& ended) {
  ++ended;
  co_return;
}

}  // namespace

TEST_CASE("join waits for every task and cancel ends them") {
  asio::io_context loop;
  task_group group(loop.get_executor());
  int ended = 0;
  group.spawn("a", wait_for_ever(ended));
  group.spawn("b", wait_for_ever(ended));
  group.spawn("c", return_at_once(ended));
  bool joined = false;
  auto test = [&]() -> asio::awaitable<void> {
    asio::steady_timer turn(loop);
    for (int i = 0; i < 5; ++i) {
      turn.expires_after(std::chrono::seconds(0));
      co_await turn.async_wait(asio::use_awaitable);
    }
    CHECK(group.size() == 2);
    group.cancel();
    co_await group.join();
    joined = true;
  };
  auto done = asio::co_spawn(loop, test(), asio::use_future);
  loop.run();
  done.get();
  CHECK(joined);
  CHECK(ended == 3);
  CHECK(group.size() == 0);
}

TEST_CASE("a task spawned after cancel is cancelled at its first suspension") {
  asio::io_context loop;
  task_group group(loop.get_executor());
  int ended = 0;
  group.cancel();
  group.spawn("late", wait_for_ever(ended));
  auto test = [&]() -> asio::awaitable<void> { co_await group.join(); };
  auto done = asio::co_spawn(loop, test(), asio::use_future);
  loop.run();
  done.get();
  CHECK(ended == 1);
}

TEST_CASE("offloaded work runs elsewhere and its caller resumes at home") {
  asio::io_context loop;
  asio::io_context other;
  auto keep = asio::make_work_guard(other);
  std::thread pool([&] { other.run(); });
  auto test = [&]() -> asio::awaitable<void> {
    const auto home = std::this_thread::get_id();
    const auto away =
        co_await catwalk::offload(other.get_executor(), [] { return std::this_thread::get_id(); });
    CHECK(away == pool.get_id());
    CHECK(std::this_thread::get_id() == home);
  };
  auto done = asio::co_spawn(loop, test(), asio::use_future);
  loop.run();
  done.get();
  keep.reset();
  pool.join();
}
