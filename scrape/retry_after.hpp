#pragma once
#include <chrono>
#include <optional>
#include <string_view>

#include "core/clock.hpp"

namespace catwalk::scrape {

/// The pause that a `Retry-After` header asks for (RFC 9110, 10.2.3): seconds, or a date in any of HTTP's
/// three forms, which counts from `now`; a date in the past is 0. nullopt where it is neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, wall_time now);

}  // namespace catwalk::scrape
