#pragma once
#include <string>
#include <string_view>

namespace catwalk::config {

/// `text` with A to Z as a to z, whatever the locale; other bytes stay.
inline std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace catwalk::config
