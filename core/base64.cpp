#include "core/base64.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdint>

namespace catwalk {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t blank = 64, padding = 65, invalid = 66;

constexpr std::array<std::uint8_t, 256> meanings = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(invalid);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  table['-'] = 62;
  table['_'] = 63;
  table['='] = padding;
  for (const char c : {' ', '\t', '\r', '\n'}) table[static_cast<unsigned char>(c)] = blank;
  return table;
}();

}  // namespace

std::optional<std::string> base64_decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t held = 0;
  std::size_t digits = 0, pads = 0;
  for (const char c : text) {
    const auto meaning = meanings[static_cast<unsigned char>(c)];
    if (meaning == blank) continue;
    if (meaning == padding) {
      ++pads;
      continue;
    }
    if (meaning == invalid || pads > 0) return std::nullopt;
    held = held << 6U | meaning;
    if (++digits % 4 != 0) continue;
    bytes += static_cast<char>(held >> 16U & 255U);
    bytes += static_cast<char>(held >> 8U & 255U);
    bytes += static_cast<char>(held & 255U);
  }
  const auto rest = digits % 4;
  if (rest == 1 || (pads > 0 && rest + pads != 4)) return std::nullopt;
  if (rest == 2) bytes += static_cast<char>(held >> 4U & 255U);
  if (rest == 3) {
    bytes += static_cast<char>(held >> 10U & 255U);
    bytes += static_cast<char>(held >> 2U & 255U);
  }
  return bytes;
}

std::string base64_encode(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a zero
  text.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                                       reinterpret_cast<const unsigned char*>(bytes.data()),
                                                       static_cast<int>(bytes.size()))));
  return text;
}

}  // namespace catwalk
