#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace catwalk::config {

/// What `to_utf8` made of a file's bytes.
struct decoded_text {
  std::string text;      ///< UTF-8 without byte order mark; empty on failure
  std::string error;     ///< why it is no text; empty on success
  std::size_t line = 0;  ///< where, counted from 1; 0: nowhere in particular
  std::size_t column = 0;
};

/// Reads UTF-8 with or without byte order mark, or UTF-16 of either byte order (with a mark, or recognised by
/// the NUL of its first character). Invalid sequences and control characters other than tab and line breaks
/// are errors: a YAML file may not hold them, and yaml-cpp takes U+0004 for the end of the file.
decoded_text to_utf8(std::string_view raw);

}  // namespace catwalk::config
