#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "config/site.hpp"
#include "scrape/page_renderer.hpp"

namespace catwalk::scrape {

/// The browser of `fetch.browser`: a Chromium that is started for the first page that wants it and ended with
/// the last site's run that used it, or a running one that is connected to for as long. Two pages at once.
/// Loop-only.
class browser {
 public:
  struct options {
    config::fetch_settings fetch;
    std::vector<std::string> permitted_endpoints;  ///< as http_client_options has them
  };

  /// `cpu` parses large pages.
  browser(boost::asio::any_io_executor loop, boost::asio::any_io_executor cpu, options opt);
  ~browser();
  browser(const browser&) = delete;
  browser& operator=(const browser&) = delete;

  /// For the run of one site, with cookies of its own and the site's proxy. Starts nothing yet. The browser
  /// outlives it; `site` too.
  std::unique_ptr<page_renderer> open(const config::site& site);

  /// Ends the browser and waits for that. Nothing is rendered any more.
  boost::asio::awaitable<void> stop();

 private:
  class impl;
  class session;
  std::shared_ptr<impl> impl_;
};

}  // namespace catwalk::scrape
