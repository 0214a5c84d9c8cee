#pragma once
#include <string>

namespace catwalk::scrape {

/// JavaScript that looks at a page: clicks consent buttons (each once, three at most), and returns
/// `{ready, wanted, elements, height, clicked}`, see `page_look`.
std::string look_script(const std::string& wanted);

/// Scrolls the page to its end.
std::string scroll_script();

/// Returns `{html, url}`, or `{size}` where the DOM has more than `most` characters as HTML.
std::string take_script(std::size_t most);

/// Runs in every document before its own scripts: takes away what would reach hosts without a request that
/// can be judged (sockets, WebRTC, workers that pages share).
std::string confining_script();

}  // namespace catwalk::scrape
