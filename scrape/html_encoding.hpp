#pragma once
#include <string>
#include <string_view>

namespace catwalk::scrape {

/// The encoding of a page by the rules of the HTML and Encoding standards: a byte order mark, else the
/// `charset` of the header `Content-Type`, else the `meta` in the first 4 KiB, else UTF-8 where the bytes are
/// that, else windows-1252. In lower case, as "utf-8", "windows-1252", "shift_jis"; labels are resolved
/// ("latin1" is windows-1252).
std::string encoding_of(std::string_view page, std::string_view content_type);

/// The page as well-formed UTF-8 without byte order mark. What cannot be read becomes U+FFFD, and nothing is
/// an error.
std::string page_as_utf8(std::string_view page, std::string_view content_type);

}  // namespace catwalk::scrape
