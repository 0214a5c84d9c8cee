#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/clock.hpp"

namespace catwalk::daemon {

/// RFC 3339 in UTC, to the second: "2026-11-28T03:00:02Z".
std::string time_text(wall_time when);
/// The same as JSON; null for nullopt.
nlohmann::json time_json(std::optional<wall_time> when);

}  // namespace catwalk::daemon
