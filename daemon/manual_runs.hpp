#pragma once
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "core/task_group.hpp"
#include "daemon/application.hpp"

namespace catwalk::daemon {

/// Runs that a person asks for while the daemon serves: begun here, and gone on with after the answer.
/// Loop-only; `app` outlives it.
class manual_runs {
 public:
  explicit manual_runs(application& app) : app_(app), tasks_(app.loop().get_executor()) {}

  /// Returns once the run has its number. Errors: `model_missing` while the daemon starts, those of the
  /// runner.
  boost::asio::awaitable<result<storage::run_id>> begin(run_request request);
  /// Begins no more, and waits for the runs; the application cancels their sites.
  boost::asio::awaitable<void> stop();

 private:
  struct beginning;
  boost::asio::awaitable<void> carry_out(run_request request, std::shared_ptr<beginning> told);

  application& app_;
  bool stopping_ = false;
  task_group tasks_;
};

}  // namespace catwalk::daemon
