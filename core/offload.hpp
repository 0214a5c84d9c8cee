#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

#include "core/log_scope.hpp"

namespace catwalk {

/// Runs `work` on another executor (a CPU pool) and resumes the caller, on its own executor, with what it
/// returned. Its log lines keep the caller's log_scope. The work itself cannot be cancelled: keep it to
/// milliseconds. Exceptions come back to the caller.
template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work>> offload(boost::asio::any_io_executor pool, Work work) {
  namespace asio = boost::asio;
  using value = std::invoke_result_t<Work>;
  auto run = [](Work w) -> asio::awaitable<value> { co_return w(); };
  auto task = run(std::move(work));
  if (auto scope = current_log_scope()) pool = with_log_scope(std::move(pool), std::move(scope));
  // Without a slot of its own, a cancellation of the caller would be passed on to the pool's thread, where it
  // may arrive when the task is gone already.
  co_return co_await asio::co_spawn(
      std::move(pool), std::move(task),
      asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable));
}

}  // namespace catwalk
