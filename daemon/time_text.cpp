#include "daemon/time_text.hpp"

#include <spdlog/fmt/chrono.h>

namespace catwalk::daemon {

std::string time_text(wall_time when) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(when)));
}

nlohmann::json time_json(std::optional<wall_time> when) {
  return when ? nlohmann::json(time_text(*when)) : nlohmann::json();
}

}  // namespace catwalk::daemon
