#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace catwalk::scrape {

/// One address that a sitemap lists.
struct sitemap_entry {
  std::string url;                  ///< absolute
  std::string lastmod;              ///< as written; empty: none
  std::vector<std::string> images;  ///< of the image extension, absolute
};

/// Reads a sitemap that arrives piece by piece, packed or not: the XML of sitemaps.org, an index of sitemaps,
/// RSS 2.0 and Atom, and plain text with one address a line. Nothing is kept but the entries since the last
/// `take`.
class sitemap_parser {
 public:
  /// `url` is the sitemap's own address, which relative ones mean.
  sitemap_parser(const std::string& url, std::size_t max_bytes);
  ~sitemap_parser();
  sitemap_parser(sitemap_parser&&) noexcept;
  sitemap_parser& operator=(sitemap_parser&&) noexcept;

  /// `malformed` for what is no sitemap or breaks off, `too_large` past a limit: entries before it are good.
  result<void> push(std::string_view piece);
  result<void> finish();

  /// The entries that came since the last call.
  std::vector<sitemap_entry> take();
  /// The entries are sitemaps themselves.
  bool is_index() const noexcept;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace catwalk::scrape
