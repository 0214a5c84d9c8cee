#pragma once
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/site.hpp"
#include "scrape/fetcher.hpp"
#include "scrape/page_reader.hpp"
#include "scrape/source.hpp"
#include "scrape/spool.hpp"

namespace catwalk::scrape {

/// How a site's pages are asked for.
struct page_manners {
  config::header_list headers;  ///< the site's own, which win
  std::string accept = "*/*";
  int max_pages = 1000;  ///< a listing whose paging never ends is not followed for ever
  bool debug = false;    ///< log each page
  bool use_browser = false;
  bool browser_if_refused = false;  ///< where a plain request gets 401 or 403 and there is a browser
  std::string wait_for_listing{},
      wait_for_detail{};  ///< with the browser: the element to wait for; empty: none
};

/// The requests of one site for its pages: its headers, proxy, delay, robots setting and cookies. Of one run:
/// once a page was had in the browser alone, the next ones are asked for there at once.
class site_requests {
 public:
  /// What `context` holds outlives it.
  site_requests(const source_context& context, page_manners manners)
      : context_(context), manners_(std::move(manners)) {}

  const page_manners& manners() const noexcept { return manners_; }

  /// `known`: what an earlier run knew of the page, for a conditional request; null: nothing.
  fetch_request make(const page_address& address, const page_validators* known = nullptr) const;

  /// The same for a page that is to be rendered where the manners say so. What is known is then of no use:
  /// the shop's validators are those of what it sends, before scripts have run.
  fetch_request make_page(const page_address& address, const page_validators* known,
                          const std::string& wait_for) const;

  /// Asks for such a page (`known` outlives that); where the shop refuses it (401, 403) and the manners
  /// permit it, once more in the browser. Where that gives nothing either, the refusal is the answer.
  boost::asio::awaitable<result<http_response>> fetch_page(page_address address, const page_validators* known,
                                                           std::string wait_for);

  /// A page was to be rendered and was not.
  bool lacks_browser() const;

  boost::asio::awaitable<result<http_response>> fetch(page_address address) const;

  /// Puts the body of a success into `to` instead of the answer.
  boost::asio::awaitable<result<http_response>> fetch_into(page_address address, const page_validators* known,
                                                           spool& to) const;

  /// Visits addresses that set cookies. What fails is logged; only `cancelled` is an error.
  boost::asio::awaitable<result<void>> prewarm(const std::vector<config::located_text>& addresses) const;

 private:
  bool may_render_refused() const;

  const source_context& context_;
  page_manners manners_;
  bool plain_refused_ = false;
};

/// What a page is asked for again with; null where nothing is known of it. `known` outlives it.
const page_validators* validators_of(const std::optional<known_page>& known);

/// The value of a header; empty where there is none.
std::string header_text(const http_response& response, std::string_view name);

/// Runs a source's reading; a cancellation, however it arrives, becomes `cancelled`.
boost::asio::awaitable<result<std::vector<endpoint_outcome>>> cancellable(
    boost::asio::awaitable<result<std::vector<endpoint_outcome>>> reading, const config::site& site);

}  // namespace catwalk::scrape
