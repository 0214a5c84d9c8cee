#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "scrape/json_reach.hpp"

namespace catwalk::scrape {

/// The document where it is well-formed JSON in UTF-8, nested at most `max_depth` deep, with numbers that 64
/// bits hold; by simdjson, at several times the speed of nlohmann's lexer. nullopt: anything else, and
/// documents so large that simdjson's tape would be a burden; parse_json_document reads those and says what
/// is wrong. NUL characters are dropped, members outside `reach` are left out.
std::optional<nlohmann::json> read_sound_json(std::string_view body, int max_depth, const json_reach& reach);

}  // namespace catwalk::scrape
