#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace catwalk::config {

/// `c`, with A to Z as a to z, whatever the locale.
constexpr char lower_case(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// `text` with A to Z as a to z, whatever the locale; other bytes stay.
inline std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower_case(c);
  return out;
}

/// Whether `a` and `b` differ in the case of A to Z at most.
constexpr bool equal_but_for_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower_case(x) == lower_case(y); });
}

}  // namespace catwalk::config
