#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>
#include <string>

#include "core/schedule.hpp"
#include "core/task_group.hpp"
#include "daemon/application.hpp"
#include "daemon/job_pings.hpp"

namespace catwalk::daemon {

/// Carries out what core/schedule decides: starts runs, tells it when they end, sleeps until the next slot.
/// Loop-only.
class scheduler {
 public:
  /// Errors: `invalid_config` for an expression or a zone that does not parse (check_expressions says so
  /// earlier).
  /// `fired` and `interrupted`: see core/schedule.
  static result<std::unique_ptr<scheduler>> make(application& app,
                                                 const std::map<std::string, std::vector<sys_seconds>>& fired,
                                                 const std::map<std::string, sys_seconds>& interrupted);

  /// Runs until stop().
  void start();
  /// Starts no further run and waits for those under way; the application cancels their sites.
  boost::asio::awaitable<void> stop();

  /// When the job's next slot is due.
  std::optional<sys_seconds> next_due(const std::string& job) const { return schedule_.next_due(job); }

 private:
  scheduler(application& app, catwalk::schedule decided);
  boost::asio::awaitable<void> tick();
  boost::asio::awaitable<void> run_job(const config::job_settings& job, catwalk::schedule::firing firing);
  void carry_out(const catwalk::schedule::decision& decided);
  void publish_next_runs();

  application& app_;
  catwalk::schedule schedule_;
  bool stopping_ = false;
  std::optional<sys_seconds> wake_at_;
  boost::asio::steady_timer timer_;
  job_pings pings_;
  task_group tasks_;
};

/// The jobs of the configuration as the schedule sees them.
result<std::vector<scheduled_job>> scheduled_jobs(const config::schedule_settings& settings);

}  // namespace catwalk::daemon
