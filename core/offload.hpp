#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/log_scope.hpp"

namespace catwalk {

/// Runs `work` on another executor (a CPU pool) and resumes the caller, on its own executor, with what it
/// returned. Its log lines keep the caller's log_scope. The work itself cannot be cancelled: keep it to
/// milliseconds. Exceptions come back to the caller.
///
/// A handler that is posted, not a coroutine that is spawned: that one passes through the pool twice.
template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work>> offload(boost::asio::any_io_executor pool, Work work) {
  namespace asio = boost::asio;
  using value = std::invoke_result_t<Work>;
  using made = std::optional<std::conditional_t<std::is_void_v<value>, std::monostate, value>>;

  auto initiate = [](auto handler, asio::any_io_executor on, Work to_do,
                     std::shared_ptr<const log_scope> scope) {
    auto home =
        asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
    auto run = [handler = std::move(handler), home = std::move(home), to_do = std::move(to_do),
                scope = std::move(scope)]() mutable {
      std::exception_ptr failure;
      made outcome;
      try {
        const log_scope_guard in_scope(std::move(scope));
        // What it holds is let go here, before the caller goes on.
        Work now(std::move(to_do));
        if constexpr (std::is_void_v<value>) {
          now();
          outcome.emplace();
        } else {
          outcome.emplace(now());
        }
      } catch (...) {
        failure = std::current_exception();
      }
      asio::dispatch(home, [handler = std::move(handler), failure = std::move(failure),
                            outcome = std::move(outcome)]() mutable {
        std::move(handler)(std::move(failure), std::move(outcome));
      });
    };
    asio::post(on, std::move(run));
  };
  // clang-tidy 14 takes waiting for a loop, whose next round would use what is moved.
  // NOLINTNEXTLINE(bugprone-use-after-move)
  auto outcome = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr, made)>(
      std::move(initiate), asio::use_awaitable, std::move(pool), std::move(work), current_log_scope());
  if constexpr (!std::is_void_v<value>) co_return std::move(*outcome);
}

}  // namespace catwalk
