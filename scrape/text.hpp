#pragma once
#include <string>
#include <string_view>

namespace catwalk::scrape {

/// Without blanks, tabs, line breaks and no-break spaces (U+00A0, U+202F) around it.
std::string_view trimmed(std::string_view text);
/// A to Z in lower case; other bytes as they are.
std::string lower_ascii(std::string_view text);
/// Without the NUL bytes, which a database's texts cannot hold.
std::string without_nul(std::string_view text);
/// Whether every byte belongs to well-formed UTF-8 (Unicode 15, table 3-7).
bool is_valid_utf8(std::string_view text);
/// The text with each byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

/// Whether the first bytes of a document are those of an HTML page.
bool looks_like_html(std::string_view beginning);

}  // namespace catwalk::scrape
