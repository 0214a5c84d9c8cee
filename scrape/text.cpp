#include "scrape/text.hpp"

#include <simdjson.h>

#include <cstdint>
#include <cstring>

#include "config/letter_case.hpp"

namespace catwalk::scrape {
namespace {

constexpr std::string_view no_break_space = "\u00a0", narrow_no_break_space = "\u202f";

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// The length of the blank that `text` begins with; 0 where it does with none.
std::size_t leading_blank(std::string_view text) {
  if (text.empty()) return 0;
  if (is_blank(text.front())) return 1;
  for (const std::string_view blank : {no_break_space, narrow_no_break_space})
    if (text.front() == blank.front() && text.starts_with(blank)) return blank.size();
  return 0;
}

/// The length of the blank that `text` ends with.
std::size_t trailing_blank(std::string_view text) {
  if (text.empty()) return 0;
  if (is_blank(text.back())) return 1;
  for (const std::string_view blank : {no_break_space, narrow_no_break_space})
    if (text.back() == blank.back() && text.ends_with(blank)) return blank.size();
  return 0;
}

/// The length of the well-formed sequence at the beginning of `text`; 0 where there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  std::uint8_t low = 0x80, high = 0xBF;  // bounds of the second byte
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  }
  if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

bool is_ascii(std::string_view text) {
  std::uint64_t eight = 0, seen = 0;
  for (; text.size() >= sizeof eight; text.remove_prefix(sizeof eight)) {
    std::memcpy(&eight, text.data(), sizeof eight);
    seen |= eight;
  }
  for (const char c : text) seen |= static_cast<unsigned char>(c);
  return (seen & 0x8080808080808080U) == 0;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (const std::size_t length = leading_blank(text)) text.remove_prefix(length);
  while (const std::size_t length = trailing_blank(text)) text.remove_suffix(length);
  return text;
}

std::string lower_ascii(std::string_view text) {
  return config::lower_case(text);
}

std::string without_nul(std::string_view text) {
  std::string kept(text);
  if (text.find('\0') != std::string_view::npos) std::erase(kept, '\0');
  return kept;
}

bool is_valid_utf8(std::string_view text) {
  // Most texts are names of a few letters, for which simdjson takes longer to begin than to go through.
  constexpr std::size_t worth_a_call = 64;
  return (text.size() < worth_a_call && is_ascii(text)) || simdjson::validate_utf8(text);
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence_length(text.substr(i));
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++i;
    } else {
      out.append(text.substr(i, length));
      i += length;
    }
  }
  return out;
}

bool looks_like_html(std::string_view beginning) {
  const std::string start = lower_ascii(beginning);
  return start.find("<html") != std::string::npos || start.find("<!doctype html") != std::string::npos;
}

}  // namespace catwalk::scrape
