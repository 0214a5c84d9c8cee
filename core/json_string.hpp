#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/json_text.hpp"

namespace catwalk {

/// How many characters `text` begins with that stand in a JSON string as they are. Those of other than ASCII
/// do not count: they may be part of broken UTF-8.
inline std::size_t plain_json_length(std::string_view text) noexcept {
  std::size_t at = 0;
  constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
  constexpr std::uint64_t tops = ones * 0x80;
  // Eight at a time: the top bit of a byte below is set where its character is other, and perhaps in those
  // after it.
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, text.data() + at, 8);
    const auto quotes = eight ^ ones * '"';
    const auto backslashes = eight ^ ones * '\\';
    if (((eight | (eight - ones * 0x20) | (quotes - ones) | (backslashes - ones)) & tops) != 0) break;
  }
  const auto is_plain = [](char character) {
    const auto c = static_cast<unsigned char>(character);
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
  };
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

/// Appends `value` as a JSON string, as json_text() writes it.
inline void append_json_string(std::string& out, std::string_view value) {
  if (plain_json_length(value) < value.size()) {
    out += json_text(value);
    return;
  }
  out += '"';
  out += value;
  out += '"';
}

}  // namespace catwalk
