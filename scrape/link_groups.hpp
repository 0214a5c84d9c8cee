#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "scrape/html_document.hpp"

namespace catwalk::scrape {

/// Selectors of links that may lead to product pages, the likeliest first, at most three: a page's links to
/// its own host, by a folder that the addresses of several share (`a[href*="/p/"]`). What a folder is called
/// counts first, then how many links lead into it. `address` is the page's own.
std::vector<std::string> product_link_selectors(const html_document& page, const std::string& address);

}  // namespace catwalk::scrape
