#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace catwalk {

/// Owns coroutines: every one that catwalk starts belongs to a group, which cancels and joins it. Make the
/// group the last member of its owner. Loop-only.
///
/// An exception that leaves a task is a bug: it is handed to `on_failure` (default: log and std::terminate).
class task_group {
 public:
  explicit task_group(boost::asio::any_io_executor loop);
  ~task_group();  ///< asserts that the group is empty: join() it first
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;

  /// Starts a task. After cancel() the task is started and cancelled at its first suspension. `name` is for
  /// logs.
  void spawn(std::string name, boost::asio::awaitable<void> task);
  /// Asks every task to stop (asio's terminal cancellation); they end at their next suspension.
  void cancel();
  /// Suspends until no task is left. Does not cancel.
  boost::asio::awaitable<void> join();

  std::size_t size() const noexcept;
  bool cancelled() const noexcept;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace catwalk
