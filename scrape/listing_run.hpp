#pragma once
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/site.hpp"
#include "scrape/ban_watch.hpp"
#include "scrape/fetcher.hpp"
#include "scrape/page_reader.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// How a site's pages are asked for.
struct page_manners {
  config::header_list headers;  ///< the site's own, which win
  std::string accept = "*/*";
  int max_pages = 1000;  ///< a listing whose paging never ends is not followed for ever
  bool debug = false;    ///< log each page
};

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
      : context_(context), manners_(std::move(manners)), reader_(reader) {}

  /// Visits addresses that set cookies. What fails is logged; only `cancelled` is an error.
  boost::asio::awaitable<result<void>> prewarm(const std::vector<config::located_text>& addresses);

  /// Reads one listing to its end. A listing's own failure is in its outcome; an error result ends the run.
  boost::asio::awaitable<result<endpoint_outcome>> read(listing of, int index, page_sink& sink);

  /// Reads one listing after another.
  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read_all(std::vector<listing> listings,
                                                                         page_sink& sink);

  /// Fetches one address by the site's manners, outside any listing.
  boost::asio::awaitable<result<http_response>> fetch(page_address address);

  /// How many items the listing that was read last had; nullopt where a 304 hid them.
  std::optional<std::size_t> items_of_last() const noexcept { return items_of_last_; }

 private:
  struct reading;
  boost::asio::awaitable<result<void>> read_page(reading& of, page_sink& sink);
  /// Reads the pages of single products that a page of the listing named. What one of them lacks leaves the
  /// listing incomplete; one that is gone is a skipped item.
  boost::asio::awaitable<result<void>> read_details(reading& of, std::vector<page_address> pages,
                                                    page_sink& sink);
  boost::asio::awaitable<result<void>> read_detail(reading& of, page_address address, page_sink& sink);
  fetch_request request_for(const page_address& address) const;

  const source_context& context_;
  page_manners manners_;
  const page_reader& reader_;
  ban_watch bans_;
  std::optional<std::size_t> items_of_last_;
};

/// Runs a source's reading; a cancellation, however it arrives, becomes `cancelled`.
boost::asio::awaitable<result<std::vector<endpoint_outcome>>> cancellable(
    boost::asio::awaitable<result<std::vector<endpoint_outcome>>> reading, const config::site& site);

}  // namespace catwalk::scrape
