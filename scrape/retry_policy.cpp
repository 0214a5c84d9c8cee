#include "scrape/retry_policy.hpp"

#include <algorithm>

namespace catwalk::scrape {
namespace {

bool may_pass(const error& failure) {
  switch (failure.code) {
    case errc::network:
    case errc::timeout:
      return true;
    case errc::blocked:
      return failure.http_status == 429;
    case errc::http_status: {
      const int status = failure.http_status;
      return status == 408 || status == 425 || (status >= 500 && status != 501 && status != 505);
    }
    default:
      return false;
  }
}

}  // namespace

std::optional<std::chrono::milliseconds> retry_policy::after(
    const error& failure, std::optional<std::chrono::milliseconds> retry_after, double jitter) {
  ++attempts_;
  if (attempts_ >= max_attempts_ || !may_pass(failure)) return std::nullopt;
  if (retry_after && *retry_after > longest_pause) return std::nullopt;
  constexpr std::chrono::milliseconds longest_backoff = std::chrono::seconds(30);
  const auto doubled = base_ * (1LL << std::min(attempts_ - 1, 20));
  const auto backoff = std::min<std::chrono::milliseconds>(doubled, longest_backoff);
  const auto jittered =
      backoff +
      std::chrono::milliseconds(static_cast<long long>(static_cast<double>(backoff.count()) * 0.25 * jitter));
  return std::max(jittered, retry_after.value_or(std::chrono::milliseconds(0)));
}

}  // namespace catwalk::scrape
