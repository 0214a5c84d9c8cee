#pragma once
#include <chrono>
#include <cstdint>

namespace catwalk {

/// Deadlines, delays and ages. Jumps of the wall clock do not touch it.
using steady_time = std::chrono::steady_clock::time_point;
/// What people and databases see; stored as milliseconds since the epoch.
using wall_time = std::chrono::sys_time<std::chrono::milliseconds>;

inline steady_time steady_now() noexcept {
  return std::chrono::steady_clock::now();
}
inline wall_time wall_now() noexcept {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}
inline std::int64_t to_millis(wall_time t) noexcept {
  return t.time_since_epoch().count();
}
inline wall_time from_millis(std::int64_t ms) noexcept {
  return wall_time(std::chrono::milliseconds(ms));
}

}  // namespace catwalk
