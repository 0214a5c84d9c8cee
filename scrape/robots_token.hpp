#pragma once
#include <string>
#include <string_view>

namespace catwalk::scrape {

/// The product token of a User-Agent, in lower case: what stands before a slash, a space or another
/// delimiter. RFC 9309 permits letters, `-` and `_`; digits, dots and what is beyond ASCII are taken as they
/// are, since crawlers have them.
std::string robots_product_token(std::string_view agent);

}  // namespace catwalk::scrape
