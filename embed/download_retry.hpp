#pragma once
#include <chrono>
#include <optional>

namespace catwalk::embed {

/// Decides whether a broken download goes on, and after what pause: five times in a row without a single new
/// byte is the end; pauses double. No I/O, no clock.
class download_retry {
 public:
  explicit download_retry(std::chrono::milliseconds first_pause) : first_pause_(first_pause) {}

  /// The pause before the next attempt, or nullopt to give up. `progressed`: the attempt brought new bytes.
  std::optional<std::chrono::milliseconds> after_break(bool progressed) noexcept {
    failures_ = progressed ? 1 : failures_ + 1;
    if (failures_ >= max_failures) return std::nullopt;
    return first_pause_ * (1 << (failures_ - 1));
  }

 private:
  static constexpr int max_failures = 5;
  std::chrono::milliseconds first_pause_;
  int failures_ = 0;
};

}  // namespace catwalk::embed
