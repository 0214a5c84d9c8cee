#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "scrape/site_requests.hpp"
#include "scrape/sitemap_parser.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// Walks a sitemap, or an index of sitemaps down to three levels, and gives the addresses in batches. Each
/// file is put aside as it arrives and read in pieces, so that memory holds one batch, whatever the size of
/// the shop. A sitemap that points at itself, or at one that was read, is read once.
class sitemap_walk {
 public:
  static constexpr std::size_t batch = 500;
  static constexpr int max_depth = 3;
  static constexpr std::size_t max_files = 5000;

  /// What `context` holds and `requests` outlive it. `url_contains`: addresses of pages that hold none of
  /// these are left out; empty: none is.
  sitemap_walk(const source_context& context, const site_requests& requests, std::string address,
               std::vector<std::string> url_contains);
  ~sitemap_walk();

  /// Some of the pages that it lists, 500 at most; nullopt at the end. Errors end the walk: cancelled, no
  /// disk.
  boost::asio::awaitable<result<std::optional<std::vector<sitemap_entry>>>> next();

  /// Files that could not be read, or not to their end: what they list is not all known.
  const std::vector<error>& failures() const noexcept { return failures_; }

 private:
  struct waiting_file {
    std::string url;
    int depth = 1;
  };
  struct open_file;
  boost::asio::awaitable<result<void>> open(waiting_file next);
  boost::asio::awaitable<result<std::vector<sitemap_entry>>> read_some();
  void add_files(const std::vector<sitemap_entry>& entries, int depth);
  bool wanted(const sitemap_entry& entry) const;

  const source_context& context_;
  const site_requests& requests_;
  std::vector<std::string> url_contains_;
  std::vector<waiting_file> waiting_;  ///< the next one last
  std::set<std::string> seen_;
  std::unique_ptr<open_file> file_;
  std::vector<error> failures_;
};

}  // namespace catwalk::scrape
