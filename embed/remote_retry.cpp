#include "embed/remote_retry.hpp"

#include <algorithm>

namespace catwalk::embed {
namespace {

bool may_pass(const error& why) {
  if (why.code == errc::network || why.code == errc::timeout) return true;
  if (why.code != errc::remote_encoder) return false;
  const int status = why.http_status;
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

}  // namespace

std::optional<std::chrono::milliseconds> remote_retry::wait(const error& why, int attempt,
                                                            std::optional<std::chrono::seconds> retry_after) {
  if (attempt >= settings_.attempts || !may_pass(why)) return std::nullopt;
  if (retry_after) {
    if (*retry_after > settings_.longest_wait) return std::nullopt;
    return std::max<std::chrono::milliseconds>(*retry_after, std::chrono::milliseconds(0));
  }
  const auto doubled = settings_.first_wait * (1 << std::clamp(attempt - 1, 0, 16));
  const auto base = std::min<std::chrono::milliseconds>(doubled, settings_.longest_wait);
  std::uniform_int_distribution<std::int64_t> jitter(0, base.count() / 4);
  return base + std::chrono::milliseconds(jitter(random_));
}

bool fallback_policy::ask_first(time now) {
  if (!paused_until_) return true;
  if (now < *paused_until_) return false;
  // One picture tries; the others go on to the second until it is known.
  paused_until_ = now + settings_.pause;
  return true;
}

void fallback_policy::first_answered() {
  failures_ = 0;
  paused_until_.reset();
}

bool fallback_policy::first_failed(time now) {
  if (++failures_ < settings_.failures) return false;
  const bool just_now = !paused_until_;
  paused_until_ = now + settings_.pause;
  return just_now;
}

bool fallback_policy::of_encoder(errc code) noexcept {
  switch (code) {
    case errc::remote_encoder:
    case errc::network:
    case errc::timeout:
    case errc::device:
    case errc::model_missing:
    case errc::model_mismatch:
      return true;
    default:
      return false;
  }
}

}  // namespace catwalk::embed
