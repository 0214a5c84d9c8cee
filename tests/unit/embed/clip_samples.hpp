#pragma once
// A vocabulary of CLIP's kind with a handful of merges.
#include <string>
#include <unordered_map>
#include <vector>

#include "embed/clip_vocabulary.hpp"

namespace catwalk::embed::samples {

inline std::string utf8(unsigned code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

/// The tokens of a vocabulary with these merges, numbered as CLIP's are: bytes, bytes at a word's end,
/// merges, marks.
inline std::unordered_map<std::string, std::int32_t> tokens_of(const std::vector<std::string>& merges) {
  std::vector<std::string> bytes;
  const auto printable = [](unsigned b) {
    return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  };
  for (unsigned b = 0; b < 256; ++b)
    if (printable(b)) bytes.push_back(utf8(b));
  for (unsigned b = 0, other = 256; b < 256; ++b)
    if (!printable(b)) bytes.push_back(utf8(other++));
  std::vector<std::string> all = bytes;
  for (const auto& byte : bytes) all.push_back(byte + "</w>");
  for (const auto& merge : merges) {
    const auto blank = merge.find(' ');
    all.push_back(merge.substr(0, blank) + merge.substr(blank + 1));
  }
  all.push_back("<|startoftext|>");
  all.push_back("<|endoftext|>");
  std::unordered_map<std::string, std::int32_t> tokens;
  for (const auto& token : all) tokens.emplace(token, static_cast<std::int32_t>(tokens.size()));
  return tokens;
}

inline const std::vector<std::string>& few_merges() {
  static const std::vector<std::string> merges{"d r",   "dr e",       "r e", "re d</w>",
                                               "dre s", "dres s</w>", "a a", "aa aa"};
  return merges;
}

inline clip_vocabulary small_vocabulary() {
  return clip_vocabulary::make(tokens_of(few_merges()), few_merges(), "small").value();
}

}  // namespace catwalk::embed::samples
