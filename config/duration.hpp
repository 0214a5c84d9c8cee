#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace catwalk::config {

/// Reads `90s`, `1h30m`, `20ms`, `30d`, `0s`: whole numbers with the units d, h, m, s, ms, each at most once
/// and from large to small. `0` needs no unit. At most 36500d. nullopt for anything else.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

/// The shortest text that `parse_duration` reads as `value` (not negative).
std::string format_duration(std::chrono::milliseconds value);

}  // namespace catwalk::config
