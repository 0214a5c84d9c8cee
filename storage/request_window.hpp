#pragma once
#include <chrono>

namespace catwalk::storage {

/// How many requests to a sink may be under way at a time. Climbs from one as long as one more lets more rows
/// through, steps back where it did not, and returns to one after any trouble. Does no I/O and asks no clock.
class request_window {
 public:
  struct settings {
    int most = 1;         ///< requests
    int look_after = 10;  ///< requests at one size, until its rate is known
    double worth = 1.1;   ///< the rate with one more, by the rate before, from which on it stays
    int patience = 200;   ///< requests after a step back, until one more is tried again
  };
  explicit request_window(settings s) : settings_(s) {}

  /// A request for a whole batch was accepted. A smaller one says nothing of what the sink can take.
  void accepted(std::chrono::duration<double> took);
  void troubled();

  int size() const noexcept { return size_; }

 private:
  void resize(int size);

  const settings settings_;
  int size_ = 1;
  int seen_ = 0;  ///< accepted at this size, since it was last looked at
  std::chrono::duration<double> took_{0};
  bool on_trial_ = false;  ///< it has just grown
  double rate_below_ = 0;  ///< requests a second before it grew
  int hold_ = 0;           ///< requests until it may grow
};

}  // namespace catwalk::storage
