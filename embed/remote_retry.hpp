#pragma once
#include <chrono>
#include <optional>
#include <random>

#include "core/error.hpp"

namespace catwalk::embed {

/// Decides whether a remote encoder is asked again for the same picture. No I/O, no clock.
///
/// Again after no connection, a time limit, 408, 425, 429 and 5xx: `first_wait`, doubled each time, with up
/// to a quarter of jitter, or as long as the service's `Retry-After` says where that is not beyond
/// `longest_wait`. Never after another answer: it would be the same.
class remote_retry {
 public:
  struct settings {
    int attempts = 3;  ///< in all
    std::chrono::milliseconds first_wait{1'000};
    std::chrono::milliseconds longest_wait{60'000};
    unsigned seed = std::random_device{}();
  };
  explicit remote_retry(settings s) : settings_(s), random_(s.seed) {}

  /// How long to wait after attempt number `attempt` (from 1) failed; nullopt: give up.
  std::optional<std::chrono::milliseconds> wait(const error& why, int attempt,
                                                std::optional<std::chrono::seconds> retry_after);

 private:
  const settings settings_;
  std::minstd_rand random_;
};

/// Decides when a second encoder is asked instead of the first. No I/O, no clock.
///
/// One failure of the first sends its picture alone to the second. After `failures` in a row the first is not
/// asked for `pause`: then one picture tries it again.
class fallback_policy {
 public:
  struct settings {
    int failures = 3;
    std::chrono::milliseconds pause{60'000};
  };
  explicit fallback_policy(settings s) : settings_(s) {}

  using time = std::chrono::steady_clock::time_point;
  /// Whether the first is to be asked.
  bool ask_first(time now);
  void first_answered();
  /// True when it is given up on just now.
  bool first_failed(time now);

  /// Whether an error says that the encoder failed, and not the picture.
  static bool of_encoder(errc code) noexcept;

 private:
  const settings settings_;
  int failures_ = 0;
  std::optional<time> paused_until_;
};

}  // namespace catwalk::embed
