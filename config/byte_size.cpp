#include "config/byte_size.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace catwalk::config {
namespace {

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 11> units{{{"TB", 1'000'000'000'000},
                                                                            {"GB", 1'000'000'000},
                                                                            {"MB", 1'000'000},
                                                                            {"kB", 1'000},
                                                                            {"B", 1},
                                                                            {"", 1},
                                                                            {"KB", 1'000},
                                                                            {"KiB", 1ULL << 10},
                                                                            {"MiB", 1ULL << 20},
                                                                            {"GiB", 1ULL << 30},
                                                                            {"TiB", 1ULL << 40}}};

}  // namespace

std::optional<std::uint64_t> parse_byte_size(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc()) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  for (const auto& [name, factor] : units) {
    if (unit != name) continue;
    if (number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
    return number * factor;
  }
  return std::nullopt;
}

std::string format_byte_size(std::uint64_t value) {
  for (std::size_t i = 0; i < 5; ++i) {
    const auto& [name, factor] = units[i];
    if (value >= factor && value % factor == 0) return std::to_string(value / factor) + std::string(name);
  }
  return std::to_string(value) + "B";
}

}  // namespace catwalk::config
