#include "storage/request_window.hpp"

#include <algorithm>
#include <utility>

namespace catwalk::storage {

void request_window::accepted(std::chrono::duration<double> took) {
  hold_ = std::max(0, hold_ - 1);
  took_ += took;
  if (++seen_ < settings_.look_after || settings_.most == 1) return;
  // By Little's law.
  const double rate = size_ * seen_ / std::max(took_.count(), 1e-9);
  if (std::exchange(on_trial_, false) && rate < settings_.worth * rate_below_) {
    hold_ = settings_.patience;
    resize(size_ - 1);
    return;
  }
  on_trial_ = size_ < settings_.most && hold_ == 0;
  rate_below_ = rate;
  resize(on_trial_ ? size_ + 1 : size_);
}

void request_window::troubled() {
  hold_ = 0;
  on_trial_ = false;
  resize(1);
}

void request_window::resize(int size) {
  size_ = size;
  seen_ = 0;
  took_ = {};
}

}  // namespace catwalk::storage
