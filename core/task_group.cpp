#include "core/task_group.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>
#include <exception>
#include <list>
#include <utility>

#include "core/thrown.hpp"

namespace catwalk {

namespace asio = boost::asio;

struct task_group::state : std::enable_shared_from_this<state> {
  struct task {
    std::string name;
    asio::cancellation_signal signal;
  };

  explicit state(asio::any_io_executor l) : loop(std::move(l)), empty(loop) {
    empty.expires_at(asio::steady_timer::time_point::max());
  }

  void finished(std::list<task>::iterator which, const std::exception_ptr& failure) {
    const std::string name = std::move(which->name);
    tasks.erase(which);
    if (failure) {
      try {
        std::rethrow_exception(failure);
      } catch (const boost::system::system_error& e) {
        // Cancellation leaves a coroutine as this exception; everything else is a bug.
        if (e.code() != asio::error::operation_aborted) on_failure(name, e);
      } catch (const std::exception& e) {
        on_failure(name, e);
      }
    }
    if (tasks.empty()) empty.cancel();
  }

  static void on_failure(const std::string& name, const std::exception& thrown) {
    spdlog::critical("task {} ended with an exception: {}{}", name, thrown.what(),
                     ran_out_of_memory(thrown) ? "" : "; this is a bug");
    std::terminate();
  }

  asio::any_io_executor loop;
  asio::steady_timer empty;
  std::list<task> tasks;
  bool cancelled = false;
};

task_group::task_group(asio::any_io_executor loop) : state_(std::make_shared<state>(std::move(loop))) {}

task_group::~task_group() {
  assert(state_->tasks.empty() && "join a task_group before it goes");
}

void task_group::spawn(std::string name, asio::awaitable<void> work) {
  auto& s = *state_;
  const auto which = s.tasks.emplace(s.tasks.end());
  which->name = std::move(name);
  auto done = [group = state_, which](const std::exception_ptr& failure) { group->finished(which, failure); };
  asio::co_spawn(s.loop, std::move(work),
                 asio::bind_cancellation_slot(which->signal.slot(), std::move(done)));
  if (s.cancelled) {
    // co_spawn starts the task by a post; the cancellation has to come after that.
    asio::post(s.loop, [group = state_] {
      for (auto& t : group->tasks) t.signal.emit(asio::cancellation_type::terminal);
    });
  }
}

void task_group::cancel() {
  state_->cancelled = true;
  // A handler that runs inside emit() may end its task: walk over names that stay valid.
  for (auto it = state_->tasks.begin(); it != state_->tasks.end();) {
    auto next = std::next(it);
    it->signal.emit(asio::cancellation_type::terminal);
    it = next;
  }
}

asio::awaitable<void> task_group::join() {
  // The caller may itself be cancelled while it waits; joining goes on all the same.
  const auto group = state_;
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!group->tasks.empty()) {
    // The timer never expires: the last task cancels the wait, which is why its error code says nothing.
    boost::system::error_code ignored;
    co_await group->empty.async_wait(asio::bind_cancellation_slot(
        asio::cancellation_slot(), asio::redirect_error(asio::use_awaitable, ignored)));
  }
  co_await asio::this_coro::throw_if_cancelled(throwing);
}

std::size_t task_group::size() const noexcept {
  return state_->tasks.size();
}
bool task_group::cancelled() const noexcept {
  return state_->cancelled;
}

}  // namespace catwalk
