#pragma once
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scrape/ban_watch.hpp"
#include "scrape/page_reader.hpp"
#include "scrape/site_requests.hpp"
#include "scrape/sitemap_parser.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// One listing and where it begins.
struct listing {
  std::string endpoint;  ///< its name, as in sites.yaml
  page_address first;
};

/// The run of a site whose products stand on listings that go on from page to page: politeness, conditional
/// requests, paging, what failures mean. The kinds of shops differ in their page_reader alone.
class listing_run {
 public:
  /// What `context` holds and `reader` outlive it.
  listing_run(const source_context& context, page_manners manners, const page_reader& reader)
      : context_(context), requests_(context, std::move(manners)), reader_(reader) {}

  /// For what is asked outside the listings.
  const site_requests& requests() const noexcept { return requests_; }

  /// Reads one listing to its end. A listing's own failure is in its outcome; an error result ends the run.
  boost::asio::awaitable<result<endpoint_outcome>> read(listing of, int index, page_sink& sink);

  /// Reads the pages of single products that a sitemap lists. What it could not read of the sitemap or of
  /// them leaves the endpoint incomplete.
  boost::asio::awaitable<result<endpoint_outcome>> read_sitemap(class sitemap_walk& walk,
                                                                std::string endpoint, int index,
                                                                page_sink& sink);

  /// How many items the listing that was read last had; nullopt where a 304 hid them.
  std::optional<std::size_t> items_of_last() const noexcept { return items_of_last_; }

 private:
  struct reading;
  boost::asio::awaitable<result<void>> read_page(reading& of, page_sink& sink);
  /// Reads the pages of single products that a page of the listing named. What one of them lacks leaves the
  /// listing incomplete; one that is gone is a skipped item.
  boost::asio::awaitable<result<void>> read_details(reading& of, std::vector<page_address> pages,
                                                    page_sink& sink);
  /// The same for pages that a sitemap lists: those that it says are unchanged are not asked for.
  boost::asio::awaitable<result<void>> read_entries(reading& of, std::vector<sitemap_entry> entries,
                                                    page_sink& sink);
  boost::asio::awaitable<result<void>> read_detail(reading& of, page_address address, page_sink& sink);

  /// Counts what a page gave, and gives it to the sink.
  boost::asio::awaitable<result<void>> hand_over(reading& of, page read, page_sink& sink);
  static void doubt_if_all_skipped(reading& of);
  /// A listing that was read without the browser that the site wants may lack what scripts would have added.
  void doubt_without_browser(endpoint_outcome& outcome);

  const source_context& context_;
  site_requests requests_;
  const page_reader& reader_;
  ban_watch bans_;
  bool browser_missed_ = false;  ///< said once, by the first listing
  std::optional<std::size_t> items_of_last_;
};

}  // namespace catwalk::scrape
