#include "core/log_scope.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <vector>

#include "core/offload.hpp"
#include "core/task_group.hpp"
#include "tests/support/catch.hpp"

namespace asio = boost::asio;
using catwalk::current_log_scope;
using catwalk::in_log_scope;
using catwalk::log_scope;
using catwalk::task_group;

namespace {

/// What a line written now would carry.
log_scope here() {
  const auto scope = current_log_scope();
  return scope ? *scope : log_scope{};
}

struct stage {
  asio::io_context loop;
  asio::thread_pool pool{2};
  asio::steady_timer shared{loop, asio::steady_timer::time_point::max()};
  std::vector<log_scope> wrong;

  void expect(const log_scope& wanted) {
    if (here() != wanted) wrong.push_back(here());
  }
};

/// Suspends in every way that a run does: its own timers, timers made by others, the CPU pool.
asio::awaitable<void> walk(stage& on, log_scope mine) {
  asio::steady_timer own(co_await asio::this_coro::executor);
  for (int i = 0; i < 20; ++i) {
    on.expect(mine);
    own.expires_after(std::chrono::microseconds(100));
    co_await own.async_wait(asio::use_awaitable);
    on.expect(mine);
    asio::steady_timer plain(on.loop, std::chrono::microseconds(50));
    co_await plain.async_wait(asio::use_awaitable);
    on.expect(mine);
    auto thinking = catwalk::offload(on.pool.get_executor(), [] { return here(); });
    const auto there = co_await std::move(thinking);
    if (there != mine) on.wrong.push_back(there);
    on.expect(mine);
    on.shared.cancel();
    co_await on.shared.async_wait(asio::as_tuple(asio::use_awaitable));
    on.expect(mine);
  }
}

asio::awaitable<void> keep_waking(stage& on, const int& left) {
  while (left > 0) {
    asio::steady_timer timer(on.loop, std::chrono::microseconds(30));
    co_await timer.async_wait(asio::use_awaitable);
    on.shared.cancel();
    on.expect({});
  }
}

asio::awaitable<void> walk_a_run(stage& on, log_scope run, int& left) {
  on.expect({});
  auto whole = [](stage& s, log_scope r) -> asio::awaitable<void> {
    s.expect(r);
    task_group sites(co_await asio::this_coro::executor);
    for (const char* name : {"Zara", "COS"}) {
      const log_scope site{r.run, name};
      sites.spawn(name, in_log_scope(site, walk(s, site)));
    }
    auto joined = sites.join();
    co_await std::move(joined);
    s.expect(r);
  };
  auto work = in_log_scope(run, whole(on, run));
  co_await std::move(work);
  on.expect({});
  --left;
}

}  // namespace

TEST_CASE("runs that overlap keep their own scope over every suspension") {
  stage on;
  int left = 5;
  task_group tasks(on.loop.get_executor());
  for (int run = 1; run <= 5; ++run) tasks.spawn("run", walk_a_run(on, {run, ""}, left));
  tasks.spawn("someone else", keep_waking(on, left));
  on.loop.run();
  CHECK(left == 0);
  CHECK(on.wrong.empty());
  CHECK(here() == log_scope{});
}

TEST_CASE("a guard holds for its block and gives back what was before") {
  {
    const catwalk::log_scope_guard outer(log_scope{7, ""});
    {
      const catwalk::log_scope_guard inner(log_scope{7, "Zara"});
      CHECK(here() == log_scope{7, "Zara"});
    }
    CHECK(here() == log_scope{7, ""});
  }
  CHECK(current_log_scope() == nullptr);
}

TEST_CASE("a cancellation reaches the work within a scope") {
  asio::io_context loop;
  task_group tasks(loop.get_executor());
  bool began = false, ended = false;
  auto wait = [](bool& b, bool& e) -> asio::awaitable<void> {
    b = true;
    asio::steady_timer timer(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    const auto [ec] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    e = ec == asio::error::operation_aborted;
  };
  tasks.spawn("waits", in_log_scope({1, ""}, wait(began, ended)));
  asio::post(loop, [&] { asio::post(loop, [&] { asio::post(loop, [&] { tasks.cancel(); }); }); });
  loop.run_for(std::chrono::seconds(5));
  CHECK(began);
  CHECK(ended);
  CHECK(tasks.size() == 0);
}
