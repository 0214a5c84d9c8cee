#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

#include "core/clock.hpp"

namespace catwalk::daemon {

/// Decides whether the service manager's watchdog is kicked. No I/O, no clock.
///
/// The loop asks, so a loop that hangs kicks no more by itself. This adds the workers: pictures that wait for
/// an answer while none is answered for `stuck_after` mean that they hang.
class watchdog_policy {
 public:
  explicit watchdog_policy(std::chrono::milliseconds stuck_after) : stuck_after_(stuck_after) {}

  struct work {
    std::uint64_t waiting = 0;   ///< pictures taken and not answered
    std::uint64_t answered = 0;  ///< since the start
  };
  bool alive(const work& seen, steady_time now);

 private:
  const std::chrono::milliseconds stuck_after_;
  std::uint64_t answered_ = 0;
  std::optional<steady_time> idle_since_;  ///< pictures wait and none was answered since then
};

}  // namespace catwalk::daemon
