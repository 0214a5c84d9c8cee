#include "config/text_encoding.hpp"

#include <cstdint>
#include <optional>

namespace catwalk::config {
namespace {

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

/// UTF-16 to UTF-8; nullopt for a lone surrogate or an odd number of bytes.
std::optional<std::string> from_utf16(std::string_view raw, bool little_endian) {
  if (raw.size() % 2 != 0) return std::nullopt;
  const auto unit = [&](std::size_t at) {
    const auto a = static_cast<std::uint8_t>(raw[at]), b = static_cast<std::uint8_t>(raw[at + 1]);
    return static_cast<std::uint32_t>(little_endian ? a | (b << 8) : (a << 8) | b);
  };
  std::string out;
  out.reserve(raw.size() / 2);
  for (std::size_t i = 0; i < raw.size(); i += 2) {
    const std::uint32_t c = unit(i);
    if (c >= 0xDC00 && c <= 0xDFFF) return std::nullopt;
    if (c < 0xD800 || c > 0xDBFF) {
      append_utf8(out, c);
      continue;
    }
    i += 2;
    if (i >= raw.size()) return std::nullopt;
    const std::uint32_t low = unit(i);
    if (low < 0xDC00 || low > 0xDFFF) return std::nullopt;
    append_utf8(out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
  }
  return out;
}

/// Bytes of the well-formed sequence at `at` (RFC 3629); 0 where there is none.
std::size_t sequence_length(std::string_view s, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < s.size() ? static_cast<std::uint8_t>(s[i]) : 0;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned b = byte(at), next = byte(at + 1);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return follows(at + 1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    const bool overlong = b == 0xE0 && next < 0xA0, surrogate = b == 0xED && next > 0x9F;
    return !overlong && !surrogate && follows(at + 1) && follows(at + 2) ? 3 : 0;
  }
  if (b >= 0xF0 && b <= 0xF4) {
    const bool overlong = b == 0xF0 && next < 0x90, too_high = b == 0xF4 && next > 0x8F;
    return !overlong && !too_high && follows(at + 1) && follows(at + 2) && follows(at + 3) ? 4 : 0;
  }
  return 0;
}

decoded_text checked(std::string text) {
  std::size_t line = 1, column = 1;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence_length(text, i);
    const auto c = static_cast<std::uint8_t>(text[i]);
    if (length == 0) return {{}, "a byte that is not valid UTF-8", line, column};
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
      return {{}, "a control character", line, column};
    }
    i += length;
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
  return {std::move(text), {}, 0, 0};
}

}  // namespace

decoded_text to_utf8(std::string_view raw) {
  if (raw.substr(0, 3) == "\xEF\xBB\xBF") return checked(std::string(raw.substr(3)));
  const bool little_mark = raw.substr(0, 2) == "\xFF\xFE", big_mark = raw.substr(0, 2) == "\xFE\xFF";
  const bool little = raw.size() >= 2 && raw[0] != '\0' && raw[1] == '\0';
  const bool big = raw.size() >= 2 && raw[0] == '\0' && raw[1] != '\0';
  if (!little_mark && !big_mark && !little && !big) return checked(std::string(raw));
  auto text = from_utf16(raw.substr(little_mark || big_mark ? 2 : 0), little_mark || little);
  if (!text) return {{}, "damaged UTF-16", 0, 0};
  return checked(std::move(*text));
}

}  // namespace catwalk::config
