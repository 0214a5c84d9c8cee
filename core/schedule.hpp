#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "core/cron.hpp"
#include "core/time_zone.hpp"

namespace catwalk {

/// A job as the schedule sees it.
struct scheduled_job {
  using overlap_policy = config::job_settings::overlap_policy;

  std::string name;
  cron_expression cron;
  time_zone zone;
  std::chrono::seconds jitter{0};  ///< each slot is due up to this much later, but before the next slot
  bool catch_up = true;            ///< one run makes up for slots that were missed
  overlap_policy overlap = overlap_policy::skip;
  bool enabled = true;
};

/// Decides which job is due when. Takes events and the time, returns what to do: I/O-free, not thread-safe.
///
/// A slot is a time at which a job's cron expression matches. It fires once, whatever the clock does: a clock
/// that goes back finds the slots it has seen already taken, those that it skipped are made up for by one run
/// (`catch_up`) or left out. A job that was never run before starts with its first slot from now on.
class schedule {
 public:
  /// A slot is missed rather than late from here on.
  static constexpr std::chrono::seconds lateness{60};

  struct firing {
    std::string job;
    sys_seconds slot;
    bool makes_up = false;  ///< later than `lateness`: for what was missed, or after waiting in the queue
    bool goes_on = false;   ///< its run was interrupted
  };
  enum class skip_reason {
    still_running,  ///< the job's last run goes on, and its overlap policy is to skip
    missed,         ///< nobody was there at the time, and the job does not catch up
    replaced,       ///< it waited for the job's last run to end when a later slot came
  };
  struct skipped_slot {
    std::string job;
    sys_seconds slot;
    skip_reason why;
  };
  struct decision {
    std::vector<firing> fire;
    std::vector<skipped_slot> skip;
    /// When to call `tick` again; nullopt: not before the next event. The clock may be set meanwhile, so wait
    /// no longer than a minute at a time.
    std::optional<sys_seconds> wake_at;
  };

  /// `fired`: slots that have been run, by job; the latest are enough. `interrupted`: the slot whose run
  /// broke off; it fires again at the first tick, also where the job does not catch up.
  schedule(std::vector<scheduled_job> jobs, const std::map<std::string, std::vector<sys_seconds>>& fired,
           sys_seconds now, const std::map<std::string, sys_seconds>& interrupted = {});

  /// What is due now. A job counts as running from the moment it is told to fire.
  decision tick(sys_seconds now);
  /// A run that the schedule did not ask for has begun.
  void started(std::string_view job);
  /// A run of the job has ended, however.
  decision finished(std::string_view job, sys_seconds now);

  /// Takes a new list of jobs. One that is new, was disabled or has other times starts with its first slot
  /// from now on; the others go on as they were.
  void replace_jobs(std::vector<scheduled_job> jobs, sys_seconds now);

  /// When the job's next slot is due; nullopt where there is none (unknown, disabled, or no such time).
  std::optional<sys_seconds> next_due(std::string_view job) const;

 private:
  struct state {
    scheduled_job job;
    sys_seconds handled_until;    ///< slots up to here are decided
    std::set<sys_seconds> taken;  ///< slots that fired or wait: never again, even when the clock goes back
    std::optional<sys_seconds> queued;
    std::optional<sys_seconds> interrupted;
    int running = 0;
  };

  state* find(std::string_view job);
  static std::optional<sys_seconds> next_slot(const state& s, sys_seconds after);
  static sys_seconds due(const state& s, sys_seconds slot);
  static std::optional<sys_seconds> latest_due(const state& s, sys_seconds now);
  static void take(state& s, sys_seconds slot);
  static void decide(state& s, sys_seconds now, decision& out);

  std::vector<state> states_;
};

}  // namespace catwalk
