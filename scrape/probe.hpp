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
  std::vector<std::string> tried;  ///< what did not fit, and why, in words
};

/// Finds out which kind of source fits an address: asks for it, then tries one stanza after another, each as
/// a run would, until one gives products.
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
  };
  boost::asio::awaitable<result<void>> look(const std::string& address);
  boost::asio::awaitable<result<std::vector<product>>> read_with(const std::string& stanza);
  void add_shopify(const std::string& address);
  boost::asio::awaitable<result<void>> add_sitemaps(std::string address);

  const source_context& context_;
  site_requests requests_;
  std::vector<candidate> candidates_;
  probe_report report_;
};

}  // namespace catwalk::scrape
