#pragma once
#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "core/error.hpp"

namespace catwalk::scrape {

/// Whether there is a Chromium in PATH to start.
bool chromium_is_installed();

/// A headless Chromium of our own, with an empty profile in a temporary folder. A shell watches over it: when
/// this process lets go of a pipe, by end() or by dying in whatever way, the shell ends Chromium by its
/// process id and removes the folder. Loop-only.
class browser_process {
 public:
  /// Starts it. `not_found` where no Chromium is in PATH.
  static result<std::unique_ptr<browser_process>> start(const boost::asio::any_io_executor& loop);
  ~browser_process();  ///< as end()
  browser_process(const browser_process&) = delete;
  browser_process& operator=(const browser_process&) = delete;

  /// The address of its DevTools, `ws://…`, once it says it; `network` with its last words if it ends before.
  boost::asio::awaitable<result<std::string>> address();
  /// Asks the shell to end it and to remove its folder.
  void end();
  /// Waits for that, and takes the shell's exit status.
  boost::asio::awaitable<void> gone(std::chrono::milliseconds at_most);

 private:
  browser_process(pid_t shell, boost::asio::posix::stream_descriptor words, int leash);

  pid_t shell_;                                  ///< -1: its exit status has been taken
  boost::asio::posix::stream_descriptor words_;  ///< Chromium's stderr, until it has said its address
  int leash_;                                    ///< the shell lives as long as this is open; -1: it is not
};

}  // namespace catwalk::scrape
