#pragma once
#include <chrono>
#include <optional>

#include "core/error.hpp"

namespace catwalk::scrape {

/// Whether and when one request is tried again. No I/O: attempts and random numbers in, a wait out. One per
/// request.
///
/// Waits double from `base`, up to 30 s, and a quarter of each is jitter. What may pass is tried again: no
/// connection, timeouts, 408, 425, 429 and 5xx.
class retry_policy {
 public:
  /// A server that asks for a longer pause is not waited for.
  static constexpr std::chrono::minutes longest_pause{10};

  retry_policy(int max_attempts, std::chrono::milliseconds base) : max_attempts_(max_attempts), base_(base) {}

  /// After a failed attempt: how long to wait before the next; nullopt: give up. `retry_after` is what the
  /// server asked for, `jitter` is in [0, 1).
  std::optional<std::chrono::milliseconds> after(const error& failure,
                                                 std::optional<std::chrono::milliseconds> retry_after,
                                                 double jitter);

  int attempts() const noexcept { return attempts_; }

 private:
  int max_attempts_;
  std::chrono::milliseconds base_;
  int attempts_ = 0;
};

}  // namespace catwalk::scrape
