#pragma once
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "config/site.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/http_client.hpp"
#include "core/product.hpp"
#include "core/skipped_item.hpp"

namespace catwalk::scrape {

/// What tells whether a page is as it was. A page that has pages after it comes without `etag` and
/// `last_modified`: a 304 would hide what follows.
struct page_validators {
  std::string etag;
  std::string last_modified;
  std::string body_hash;  ///< SHA-256 of the decoded body, hex
};

/// What an earlier run kept of a page.
struct known_page {
  page_validators validators;
  wall_time read_at;         ///< when it was last read whole, or confirmed by the shop
  std::size_t products = 0;  ///< how many it listed
  std::vector<skipped_item> skipped;
};

/// One page as it was read.
struct page {
  std::string endpoint;  ///< the listing it belongs to, as in sites.yaml
  int endpoint_index = 0;
  std::string url;
  page_validators validators;
  bool unchanged =
      false;  ///< 304, or the same body hash: `products` is empty and what it listed before counts as seen
  bool asked = true;  ///< false: a sitemap says that it is `unchanged`, and the shop was not asked
  std::vector<product> products;
  std::vector<skipped_item> skipped;  ///< where it is `unchanged`, those of before
  std::size_t known_products = 0;     ///< where it is `unchanged`: how many it listed before

  /// It is as it was when an earlier run read it.
  void keep(const known_page& as_known);
};

/// How an endpoint ended. What an incomplete endpoint used to list is not gone.
struct endpoint_outcome {
  std::string endpoint;
  int endpoint_index = 0;
  bool complete = false;
  std::optional<error> failure;  ///< why it is incomplete; nullopt where `complete`, where a limit ended it,
                                 ///< or where another endpoint's has said that there was no browser
};

/// Takes pages as they are read: the pipeline's page transaction. Implemented by daemon/; called on the loop.
class page_sink {
 public:
  virtual ~page_sink() = default;
  /// What an earlier run knew of this page; nullopt: nothing, or it is not to be used (--refresh, changed
  /// stanza).
  virtual boost::asio::awaitable<std::optional<known_page>> known(const std::string& endpoint,
                                                                  const std::string& url) = 0;
  /// Takes the page, which is committed durably: by its return, or within moments together with others. An
  /// error, of this page or of one before it, ends the site's run.
  virtual boost::asio::awaitable<result<void>> accept(page p) = 0;
  /// Waits until every accepted page is durable; the error of one that cannot be. Comes before what the
  /// source's outcomes say is believed. The default is of a sink that leaves none to be waited for.
  virtual boost::asio::awaitable<result<void>> settle();
  /// True once the run has as many products as its limit permits; the source then ends, its endpoints
  /// incomplete.
  virtual bool limit_reached() const = 0;
};

class fetcher;

/// What a source works with. All outlive it.
struct source_context {
  const config::site& site;
  const config::fetch_settings& fetch;
  fetcher& pages;                       ///< the polite fetcher of the page lane
  boost::asio::any_io_executor cpu;     ///< parsing and normalising run here
  std::shared_ptr<cookie_jar> cookies;  ///< of this run
  bool keep_raw_items = true;           ///< whether some sink stores what the shop sent (product::raw_item)
  class page_renderer* browser = nullptr;  ///< for `use_browser`; nullptr: there is none
};

/// Reads one site: one per kind of shop.
class source {
 public:
  virtual ~source() = default;
  /// Reads every endpoint, page by page, into `sink`. Errors of one endpoint do not end the others; the
  /// result has one outcome per endpoint. An error result means that nothing further can be read (banned,
  /// cancelled, sink failed).
  virtual boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read(page_sink& sink) = 0;
};

/// The source for the site's kind. `invalid_config` where the site's kind is not supported, naming it.
result<std::unique_ptr<source>> make_source(const source_context& context);

/// Whether some of the site's pages are rendered in a browser, or are where the shop refuses them otherwise.
bool uses_browser(const config::site& site);

/// Parses every expression of the site (JMESPath, CSS) and returns what does not parse, with its place.
config::problems check_site(const config::site& site);

}  // namespace catwalk::scrape
