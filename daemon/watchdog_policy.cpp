#include "daemon/watchdog_policy.hpp"

namespace catwalk::daemon {

bool watchdog_policy::alive(const work& seen, steady_time now) {
  if (seen.waiting == 0 || seen.answered != answered_) {
    answered_ = seen.answered;
    idle_since_.reset();
    if (seen.waiting == 0) return true;
  }
  if (!idle_since_) idle_since_ = now;
  return now - *idle_since_ < stuck_after_;
}

}  // namespace catwalk::daemon
