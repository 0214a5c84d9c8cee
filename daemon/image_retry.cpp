#include "daemon/image_retry.hpp"

#include <algorithm>

namespace catwalk::daemon {

std::optional<wall_time> next_image_try(const error& why, int attempts, wall_time now) {
  switch (why.code) {
    case errc::not_an_image:
    case errc::broken_image:
    case errc::unsupported_image:
    case errc::too_large:
    case errc::refused_address:
    case errc::too_many_redirects:
    case errc::invalid_argument:
      return std::nullopt;
    case errc::robots:
      if (why.http_status == 0) return std::nullopt;  // else robots.txt itself could not be read
      break;
    case errc::http_status:
      if (why.http_status == 404 || why.http_status == 410) return std::nullopt;
      break;
    default:
      break;
  }
  constexpr auto first = std::chrono::minutes(10);
  constexpr auto longest = std::chrono::hours(24);
  const int doublings = std::clamp(attempts, 0, 8);
  const auto wait = std::min<std::chrono::milliseconds>(first * (1 << doublings), longest);
  return now + wait;
}

}  // namespace catwalk::daemon
