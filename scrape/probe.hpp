#pragma once
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/site.hpp"
#include "scrape/site_requests.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// What was found out about an address.
struct probe_report {
  std::string kind;                ///< "shopify", "feed", "api", "html", "sitemap"
  std::string stanza;              ///< of sites.yaml, as it was read with; ends with a line break
  std::vector<product> products;   ///< the first three
  std::vector<std::string> tried;  ///< what did not fit, and why, in words; one of each kind
};

/// Finds out which kind of source fits an address: asks for it, then tries one stanza after another, each as
/// a run would, until one gives products. Where none does and the context has a browser, it looks at the page
/// again as that renders it.
class probe {
 public:
  static constexpr int products_shown = 3;

  /// What `context` holds outlives it; its site is only used for requests.
  explicit probe(const source_context& context);

  /// `not_found` where nothing fits, saying what was tried; `robots`, `blocked` and network errors where the
  /// address itself cannot be read.
  boost::asio::awaitable<result<probe_report>> run(std::string address);

 private:
  struct candidate {
    std::string kind, stanza;
    int most_pages = pages_tried;
  };
  /// A sitemap lists pages of all kinds; so many without a product say that it is not the products'.
  static constexpr int pages_tried = 20;
  /// The same of links that only look like products'.
  static constexpr int links_tried = 5;

  boost::asio::awaitable<result<void>> look(const std::string& address);
  boost::asio::awaitable<result<void>> look_with_browser();
  boost::asio::awaitable<result<void>> look_into_page(http_response response, bool rendered);
  /// True once a candidate has given products; there is none left else.
  boost::asio::awaitable<result<bool>> try_candidates();
  boost::asio::awaitable<result<std::vector<product>>> read_with(candidate one);
  static std::vector<candidate> candidates_of_page(const std::string& address, const http_response& response,
                                                   bool rendered);
  void note_failure(const std::string& kind, const error& why);
  error found_nothing(const std::string& address) const;
  void add_shopify(const std::string& address);
  boost::asio::awaitable<result<void>> add_sitemaps(std::string address);

  const source_context& context_;
  site_requests requests_;
  std::vector<candidate> candidates_;
  std::string page_;  ///< the address, where a page is there
  int status_ = 0;    ///< what the shop answered there
  probe_report report_;
};

}  // namespace catwalk::scrape
