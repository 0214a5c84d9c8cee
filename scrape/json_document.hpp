#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "scrape/json_reach.hpp"

namespace catwalk::scrape {

/// Objects and arrays inside each other, at most. Shops stay under 30.
inline constexpr int max_json_depth = 512;

/// Reads one JSON document as shops send it: a byte order mark is skipped, bytes that are not UTF-8 and
/// halves of surrogate pairs become U+FFFD, NUL characters are dropped (no database takes them), whole
/// numbers beyond 64 bits stay exact, as texts. `malformed` says what the body is instead (empty, an HTML
/// page and its title, where the JSON breaks off); `too_large` beyond `max_depth`. `on` names the document in
/// errors. With `reach`, members that nobody looks at are left out.
result<nlohmann::json> parse_json_document(std::string_view body, const std::string& on,
                                           int max_depth = max_json_depth, const json_reach* reach = nullptr);

/// What a body that is not JSON seems to be, in words: "an HTML page titled \"Access Denied\"".
std::string describe_body(std::string_view body);

}  // namespace catwalk::scrape
