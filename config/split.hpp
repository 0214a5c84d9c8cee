#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace catwalk::config {

/// The parts of a text between each `at`, as they are written, empty ones too; of an empty text one.
inline std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (auto end = text.find(at); end != std::string_view::npos; end = text.find(at)) {
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.emplace_back(text);
  return parts;
}

}  // namespace catwalk::config
