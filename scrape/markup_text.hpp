#pragma once
#include <string>
#include <string_view>

namespace catwalk::scrape {

/// The text of a piece of HTML, as shops put it into descriptions: without tags, comments, scripts and
/// styles, character references decoded, blanks and line breaks as one blank. Markup that was escaped once
/// too often
/// ("&lt;p&gt;…") is read as markup. For whole pages there is the HTML parser.
std::string text_of_markup(std::string_view html);

/// `text` with its character references decoded (`&amp;`, `&#233;`, `&eacute;` …); unknown ones stay.
std::string with_references_decoded(std::string_view text);

}  // namespace catwalk::scrape
