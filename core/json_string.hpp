#pragma once
#include <algorithm>
#include <string>

#include "core/json_text.hpp"

namespace catwalk {

/// Appends `value` as a JSON string, as json_text() writes it.
inline void append_json_string(std::string& out, const std::string& value) {
  const auto is_plain = [](unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; };
  if (!std::all_of(value.begin(), value.end(), is_plain)) {
    out += json_text(value);
    return;
  }
  out += '"';
  out += value;
  out += '"';
}

}  // namespace catwalk
