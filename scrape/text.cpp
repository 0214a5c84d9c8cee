#include "scrape/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "config/letter_case.hpp"

namespace catwalk::scrape {
namespace {

constexpr std::array<std::string_view, 8> blanks{" ", "\t", "\n", "\r", "\f", "\v", "\u00a0", "\u202f"};

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

/// How many bytes at the beginning of `text` are ASCII, in steps of eight.
std::size_t ascii_length(std::string_view text) {
  std::size_t at = 0;
  for (std::uint64_t eight = 0; at + sizeof eight <= text.size(); at += sizeof eight) {
    std::memcpy(&eight, text.data() + at, sizeof eight);
    if ((eight & 0x8080808080808080U) != 0) break;
  }
  return at;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto drop = [&](auto matches, auto remove) {
    for (bool again = true; again;) {
      again = false;
      for (const std::string_view blank : blanks) {
        if (!matches(blank)) continue;
        remove(blank.size());
        again = true;
      }
    }
  };
  drop([&](std::string_view b) { return text.starts_with(b); },
       [&](std::size_t n) { text.remove_prefix(n); });
  drop([&](std::string_view b) { return text.ends_with(b); }, [&](std::size_t n) { text.remove_suffix(n); });
  return text;
}

std::string lower_ascii(std::string_view text) {
  return config::lower_case(text);
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    i += ascii_length(text.substr(i));
    if (i == text.size()) break;
    const std::size_t length = sequence_length(text.substr(i));
    if (length == 0) return false;
    i += length;
  }
  return true;
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
