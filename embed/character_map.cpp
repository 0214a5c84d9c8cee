#include "embed/character_map.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace catwalk::embed {
namespace {

// A unit of the double array, as darts-clone lays it out.
bool has_leaf(std::uint32_t unit) noexcept {
  return (unit >> 8 & 1) != 0;
}
std::uint32_t value_of(std::uint32_t unit) noexcept {
  return unit & 0x7fffffffU;
}
std::uint32_t label_of(std::uint32_t unit) noexcept {
  return unit & 0x800000ffU;
}
std::uint32_t offset_of(std::uint32_t unit) noexcept {
  return (unit >> 10) << ((unit & 0x200U) >> 6);
}

error invalid(const std::string& on, std::string why) {
  return {errc::model_invalid, "cannot use vocabulary", on, "its map of characters " + std::move(why),
          "the file is damaged or incomplete: fetch it again"};
}

}  // namespace

std::size_t utf8_length(char first) noexcept {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

result<character_map> character_map::make(std::string blob, const std::string& on) {
  character_map map;
  if (blob.empty()) return map;
  std::uint32_t size = 0;
  if (blob.size() < sizeof size) return invalid(on, "is cut off");
  std::memcpy(&size, blob.data(), sizeof size);
  if (size % sizeof(std::uint32_t) != 0 || size == 0 || size > blob.size() - sizeof size)
    return invalid(on, "claims " + std::to_string(size) + " bytes of " + std::to_string(blob.size()));
  map.units_.resize(size / sizeof(std::uint32_t));
  std::memcpy(map.units_.data(), blob.data() + sizeof size, size);
  map.replacements_ = sizeof size + size;
  // So that every replacement has an end.
  if (map.replacements_ < blob.size() && blob.back() != '\0') return invalid(on, "breaks off");
  map.blob_ = std::move(blob);
  return map;
}

character_map::replaced character_map::at_start_of(std::string_view text) const noexcept {
  std::optional<replaced> longest;
  std::uint32_t at = units_.empty() ? 0 : offset_of(units_[0]);
  for (std::size_t i = 0; i < text.size() && !units_.empty(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (at >= units_.size() || label_of(units_[at]) != byte) break;
    const auto unit = units_[at];
    at ^= offset_of(unit);
    if (!has_leaf(unit) || at >= units_.size()) continue;
    const auto start = replacements_ + value_of(units_[at]);
    if (start >= blob_.size()) continue;
    longest = replaced{std::string_view(blob_.c_str() + start), i + 1};
  }
  if (longest) return *longest;
  const auto length = std::min(utf8_length(text[0]), text.size());
  return {text.substr(0, length), length};
}

}  // namespace catwalk::embed
