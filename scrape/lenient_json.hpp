#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace catwalk::scrape {

/// JSON as pages hold it in scripts: besides what parse_json_document takes, comments (`//`, `/* */`, and
/// `<!-- -->` or `<![CDATA[ ]]>` around all of it), commas before a closing bracket and in rows, line breaks
/// and tabs within texts, escapes that JSON does not know (`\'`, `\x27`), a semicolon at the end. Well-formed
/// JSON is never touched. Errors as parse_json_document's.
result<nlohmann::json> parse_lenient_json(std::string_view text, const std::string& on);

/// The JSON value that begins at the first character of `text`, which goes on with something else (a
/// script's next statement): its length, brackets and texts matched; 0 where it does not end.
std::size_t json_value_length(std::string_view text);

}  // namespace catwalk::scrape
