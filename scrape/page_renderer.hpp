#pragma once
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/http_client.hpp"

namespace catwalk::scrape {

/// Renders the pages of one site in a browser. Loop-only.
class page_renderer {
 public:
  virtual ~page_renderer() = default;

  /// The page as its scripts left it: status, address and headers of the document, and its DOM as HTML in
  /// UTF-8. Of `page` counts all but `method`, `body` and `cookies`: the browser keeps cookies of its own.
  /// `wait_for` is a CSS selector of an element that the page must have; empty: none. nullopt: there is no
  /// browser (which has been said), ask without it. Errors as http_client's.
  virtual boost::asio::awaitable<result<std::optional<http_response>>> render(
      const http_request& page, const std::string& wait_for) = 0;

  /// Whether a page had to be asked for without the browser.
  virtual bool unavailable() const = 0;
};

}  // namespace catwalk::scrape
