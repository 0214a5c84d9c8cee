#include "daemon/notify_policy.hpp"

#include <algorithm>

namespace catwalk::daemon {

notify_policy::verdict notify_policy::on_answer(int status,
                                                std::optional<std::chrono::milliseconds> retry_after,
                                                steady_time now) {
  if (status >= 200 && status < 300) {
    failures_ = refusals_ = 0;
    not_before_ = now;
    return verdict::told;
  }
  if (status == 410) return verdict::stopped;
  if ((status == 400 || status == 413 || status == 422) && ++refusals_ >= settings_.most_refusals) {
    failures_ = refusals_ = 0;
    not_before_ = now;
    return verdict::set_aside;
  }
  back_off(retry_after, now);
  return verdict::again;
}

notify_policy::verdict notify_policy::on_silence(steady_time now) {
  back_off(std::nullopt, now);
  return verdict::again;
}

void notify_policy::back_off(std::optional<std::chrono::milliseconds> asked, steady_time now) {
  auto wait = settings_.first_wait;
  for (int i = 0; i < failures_ && wait < settings_.longest_wait; ++i) wait *= 2;
  wait = std::min(wait, settings_.longest_wait);
  ++failures_;
  // Between half of the wait and all of it.
  std::uniform_int_distribution<std::int64_t> part(wait.count() / 2, wait.count());
  wait = std::chrono::milliseconds(part(random_));
  // The receiver's word, but never without a pause: some say 0.
  if (asked) wait = std::clamp(*asked, settings_.first_wait / 2, settings_.longest_wait);
  not_before_ = now + wait;
}

}  // namespace catwalk::daemon
