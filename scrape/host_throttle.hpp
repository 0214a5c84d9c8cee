#pragma once
#include <chrono>
#include <optional>

#include "core/clock.hpp"

namespace catwalk::scrape {

/// How one request ended, as far as the throttle cares.
enum class request_outcome {
  answered,    ///< any answer that is no complaint
  overloaded,  ///< 429 or 503: too fast
  failed,      ///< no answer: says nothing about the rate
};

/// When the next request to one host may start. No I/O: events and `now` in, a time out.
///
/// At most `concurrency` requests at once, and a delay between the starts of two, lengthened by up to a half
/// at random so that requests do not come like clockwork. A complaint halves the rate (both the concurrency
/// and the delay follow), at most once for the requests that were in flight together, down to 1/64; each
/// answer gives a twentieth back (AIMD). A host whose answers of late take more than twice as long as they
/// usually do, and a second more, struggles without saying so: that takes a quarter of the rate, as often.
/// `Retry-After` holds all requests to the host.
class host_throttle {
 public:
  explicit host_throttle(int concurrency) : concurrency_(concurrency) {}

  /// The time from which a request may start; nullopt: not before one in flight has ended.
  std::optional<steady_time> next_start() const noexcept;

  /// A request starts. The next may start after `delay`; `jitter` is in [0, 1).
  void started(steady_time now, std::chrono::milliseconds delay, double jitter);

  /// A request that started at `started_at` has ended. `pause` is what the host asked for.
  void finished(steady_time started_at, steady_time now, request_outcome outcome,
                std::optional<std::chrono::milliseconds> pause);

  /// The part of the full rate that is used, 1/64 to 1.
  double rate() const noexcept { return rate_; }
  int in_flight() const noexcept { return in_flight_; }
  /// Nothing is in flight, the rate is full and no delay is left: as good as new.
  bool idle(steady_time now) const noexcept { return in_flight_ == 0 && rate_ == 1.0 && next_start_ <= now; }

 private:
  int concurrency_;
  int in_flight_ = 0;
  double rate_ = 1.0;
  steady_time next_start_{};
  steady_time last_slowdown_{};
  using seconds = std::chrono::duration<double>;
  bool has_slowed_down(seconds latency);
  int answers_ = 0;           ///< counted up to what `usual_latency_` looks back
  seconds usual_latency_{};   ///< over the last 64 answers or so
  seconds recent_latency_{};  ///< over the last 8
};

}  // namespace catwalk::scrape
