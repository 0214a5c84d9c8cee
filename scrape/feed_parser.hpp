#pragma once
#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace catwalk::scrape {

/// Reads a product feed in the format of Google Merchant Center that arrives piece by piece, packed or not:
/// XML (RSS 2.0, RDF, Atom) or tab-separated text with a line of names. Nothing is kept but the items since
/// the last `take`.
///
/// An item is an object from an attribute's name ("g:image_link", "Image link" and "image_link" are one:
/// `image_link`) to its text, or to a list of texts where the attribute repeats. Attributes with parts
/// (`shipping`) are left out.
class feed_parser {
 public:
  /// `on` names the feed in errors.
  feed_parser(const std::string& on, std::size_t max_bytes);
  ~feed_parser();
  feed_parser(feed_parser&&) noexcept;
  feed_parser& operator=(feed_parser&&) noexcept;

  /// `malformed` for what is no feed or breaks off, `too_large` past a limit: items before it are good.
  result<void> push(std::string_view piece);
  result<void> finish();

  /// The items that came since the last call.
  std::vector<nlohmann::json> take();

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace catwalk::scrape
