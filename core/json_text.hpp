#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace catwalk {

/// The document as JSON text; bytes that are not UTF-8 (a shop's, in an error) become U+FFFD instead of an
/// exception. `indent` below 0 gives one line.
inline std::string json_text(const nlohmann::json& document, int indent = -1) {
  return document.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace catwalk
