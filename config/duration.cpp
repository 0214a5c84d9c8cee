#include "config/duration.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace catwalk::config {
namespace {

constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t longest = 36'500 * units[0].second;

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::size_t permitted = 0;  // units from here on may still come
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || text.front() == '-') return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const std::string_view unit = text.substr(0, text.find_first_of("0123456789"));
    while (permitted < units.size() && units[permitted].first != unit) ++permitted;
    if (permitted == units.size() || number > longest / units[permitted].second) return std::nullopt;
    total += number * units[permitted].second;
    if (total > longest) return std::nullopt;
    text.remove_prefix(unit.size());
    ++permitted;
  }
  return std::chrono::milliseconds(total);
}

std::string format_duration(std::chrono::milliseconds value) {
  std::int64_t rest = value.count();
  if (rest == 0) return "0s";
  for (const auto& [unit, factor] : units) {
    // "60s" reads better than "1m" beside other values in seconds.
    const bool one_minute = factor == 60'000 && rest == factor;
    if (rest % factor == 0 && !one_minute) return std::to_string(rest / factor) + std::string(unit);
  }
  return std::to_string(rest) + "ms";
}

}  // namespace catwalk::config
