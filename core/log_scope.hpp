#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace catwalk {

/// What a log line belongs to: a run, and within it a site. Every line that is written while a scope is in
/// effect carries it (`core/log.hpp`).
struct log_scope {
  std::int64_t run = 0;  ///< 0: none
  std::string site;      ///< empty: none, or the whole run

  bool operator==(const log_scope&) const = default;
};

/// The scope that is in effect on this thread; nullptr: none.
std::shared_ptr<const log_scope> current_log_scope() noexcept;

/// A scope for the lines of one block. No coroutine may be suspended while it lives: in_log_scope() is for
/// those.
class log_scope_guard {
 public:
  explicit log_scope_guard(log_scope scope);
  explicit log_scope_guard(std::shared_ptr<const log_scope> scope) noexcept;
  ~log_scope_guard();
  log_scope_guard(const log_scope_guard&) = delete;
  log_scope_guard& operator=(const log_scope_guard&) = delete;

 private:
  std::shared_ptr<const log_scope> before_;
};

/// `inner`, with the scope in effect during everything that it executes. So a coroutine that is spawned on it
/// keeps its scope over every suspension, while others run in between on the same thread.
boost::asio::any_io_executor with_log_scope(boost::asio::any_io_executor inner,
                                            std::shared_ptr<const log_scope> scope);

/// Carries out `work` on the caller's executor, each of its log lines within `scope`. A cancellation of the
/// caller reaches the work.
template <class T>
boost::asio::awaitable<T> in_log_scope(log_scope scope, boost::asio::awaitable<T> work) {
  namespace asio = boost::asio;
  auto here = co_await asio::this_coro::executor;
  auto scoped = with_log_scope(here, std::make_shared<const log_scope>(std::move(scope)));
  // Never resumed from within the work's last step, which would go on in its scope.
  auto afterwards = asio::require(here, asio::execution::blocking.never);
  co_return co_await asio::co_spawn(std::move(scoped), std::move(work),
                                    asio::bind_executor(std::move(afterwards), asio::use_awaitable));
}

}  // namespace catwalk
