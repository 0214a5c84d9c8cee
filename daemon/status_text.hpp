#pragma once
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "core/clock.hpp"

namespace catwalk::daemon {

/// What `GET /health` says, for a person at a terminal. Parts that are not there are left out.
std::string status_text(const nlohmann::json& health, wall_time now);

/// "3 h 12 min", "45 s": the two largest units.
std::string rough_time(std::chrono::seconds time);
/// "1,240".
std::string with_commas(std::int64_t number);

}  // namespace catwalk::daemon
