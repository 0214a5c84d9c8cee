#pragma once

namespace catwalk::config {

/// Where the package puts the configuration of the service, and where the service's unit keeps its state.
inline constexpr const char* system_folder = "/etc/catwalk";
inline constexpr const char* system_state_folder = "/var/lib/catwalk";

}  // namespace catwalk::config
