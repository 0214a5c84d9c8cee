#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "core/error.hpp"

namespace catwalk::daemon {

class application;

/// The daemon from its start to its stop, over changes of its configuration: builds the application, serves,
/// and takes it down in order. Loop-only.
///
/// A new configuration replaces the whole application in the same process: what is under way ends as at a
/// stop and goes on afterwards. One that is invalid, or that cannot be started, leaves the old one in place.
class service {
 public:
  struct options {
    config::overrides flags;  ///< where the configuration is read again from
    bool allow_untrained = false;
  };
  service(boost::asio::io_context& loop, config::loaded configuration, options o);
  ~service();

  /// Serves until stop(); the process' exit code.
  boost::asio::awaitable<int> run();
  void stop();
  /// Reads the configuration again. What differs, one line each (config::changes); it is in effect soon.
  /// Error: `invalid_config`, with every problem.
  result<std::vector<std::string>> reload();

 private:
  enum class ending { stopped, reloading };
  boost::asio::awaitable<result<ending>> serve();
  boost::asio::awaitable<result<ending>> serve_with(application& app);
  boost::asio::awaitable<result<ending>> serve_until_woken(application& app);
  boost::asio::awaitable<void> wait_for_model(application& app, const error& missing);
  boost::asio::awaitable<void> wait_until_woken();
  void note_reload(bool successful);

  boost::asio::io_context& loop_;
  config::loaded current_;
  const options options_;
  std::optional<config::loaded> pending_;  ///< to be served next
  bool stopping_ = false;
  bool replaces_ = false;  ///< what is started takes the place of one that can be gone back to
  bool reload_successful_ = true;
  application* running_ = nullptr;
  boost::asio::steady_timer wake_;  ///< cancelled when there is something to do
};

}  // namespace catwalk::daemon
