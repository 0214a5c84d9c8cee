#include "scrape/host_throttle.hpp"

#include <algorithm>

namespace catwalk::scrape {
namespace {

constexpr double lowest_rate = 1.0 / 64;
constexpr double recovery = 1.0 / 20;
/// What slowing down means for a host that has no delay: 250 ms at half the rate, 16 s at the lowest.
constexpr std::chrono::duration<double, std::milli> slow_step{250};

}  // namespace

std::optional<steady_time> host_throttle::next_start() const noexcept {
  const int permitted = std::max(1, static_cast<int>(concurrency_ * rate_));
  if (in_flight_ >= permitted) return std::nullopt;
  return next_start_;
}

void host_throttle::started(steady_time now, std::chrono::milliseconds delay, double jitter) {
  ++in_flight_;
  const std::chrono::duration<double, std::milli> wanted(delay);
  const auto interval = wanted / rate_ * (1.0 + jitter / 2) + slow_step * (1.0 / rate_ - 1.0);
  next_start_ = std::max(next_start_, now + std::chrono::duration_cast<steady_time::duration>(interval));
}

void host_throttle::finished(steady_time started_at, steady_time now, request_outcome outcome,
                             std::optional<std::chrono::milliseconds> pause) {
  --in_flight_;
  if (pause) next_start_ = std::max(next_start_, now + *pause);
  if (outcome == request_outcome::answered) {
    const bool slow = has_slowed_down(now - started_at);
    if (!slow) {
      rate_ = std::min(1.0, rate_ + recovery);
    } else if (started_at >= last_slowdown_) {
      rate_ = std::max(lowest_rate, rate_ * 3 / 4);
      last_slowdown_ = now;
    }
  } else if (outcome == request_outcome::overloaded && started_at >= last_slowdown_) {
    rate_ = std::max(lowest_rate, rate_ / 2);
    last_slowdown_ = now;
  }
}

bool host_throttle::has_slowed_down(seconds latency) {
  constexpr int looks_back = 64, recent = 8;
  answers_ = std::min(answers_ + 1, looks_back);
  usual_latency_ += (latency - usual_latency_) / answers_;
  recent_latency_ += (latency - recent_latency_) / std::min(answers_, recent);
  return recent_latency_ > usual_latency_ * 2 + seconds(1);
}

}  // namespace catwalk::scrape
