#pragma once
#include <chrono>
#include <optional>
#include <random>
#include <string>

#include "core/clock.hpp"

namespace catwalk::daemon {

/// Decides what an answer of the webhook's receiver means for the event that was sent. Does no I/O and asks
/// no clock.
///
/// - 2xx: told.
/// - 400, 413, 422 (this event is not understood): again, and set aside after some refusals, so that one
///   event does not hold up the others for ever.
/// - 410: the receiver wants no more: nothing is sent until catwalk starts anew.
/// - Anything else, and no answer: again, for as long as it takes, each time after twice the wait, with
///   jitter, or when the receiver says (`Retry-After`).
class notify_policy {
 public:
  struct settings {
    std::chrono::milliseconds first_wait{1'000};
    std::chrono::milliseconds longest_wait{600'000};
    int most_refusals = 5;
    unsigned seed = std::random_device{}();
  };
  explicit notify_policy(settings s) : settings_(s), random_(s.seed) {}

  enum class verdict { told, again, set_aside, stopped };
  verdict on_answer(int status, std::optional<std::chrono::milliseconds> retry_after, steady_time now);
  verdict on_silence(steady_time now);

  /// When the next event, or the same one again, may be sent.
  steady_time not_before() const noexcept { return not_before_; }
  /// Since the last event was told.
  int failures_in_a_row() const noexcept { return failures_; }

 private:
  void back_off(std::optional<std::chrono::milliseconds> asked, steady_time now);

  const settings settings_;
  std::minstd_rand random_;
  int failures_ = 0;
  int refusals_ = 0;  ///< of the present event
  steady_time not_before_{};
};

}  // namespace catwalk::daemon
