#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "core/task_group.hpp"
#include "daemon/application.hpp"

namespace catwalk::daemon {

/// One line on the terminal, drawn five times a second while a run is under way: products, images, rate,
/// rows. Nothing where stderr is not a terminal.
class progress_line {
 public:
  explicit progress_line(application& app);
  /// Draws until stop(). The display never slows the run down: it reads counters.
  void start();
  /// Clears the line and waits for the drawing coroutine.
  boost::asio::awaitable<void> stop();

 private:
  boost::asio::awaitable<void> draw();
  std::string text(const storage::catalogue_counts& counts) const;

  application& app_;
  const bool shown_;
  std::chrono::steady_clock::time_point began_;
  task_group tasks_;
};

}  // namespace catwalk::daemon
