#pragma once
#include <boost/asio/awaitable.hpp>
#include <string>

#include "core/http_client.hpp"
#include "daemon/application.hpp"
#include "daemon/site_hosts.hpp"

namespace catwalk::daemon {

/// Fetches pictures that people wait for: beside the catalogue's lanes, with a client of its own, the address
/// guard, and the limits of fetch.images. Loop-only.
class picture_fetcher {
 public:
  /// `most_at_once`: connections.
  picture_fetcher(application& app, int most_at_once);

  /// The picture's bytes. Errors: those of http_client; `http_status` for another answer than 200.
  boost::asio::awaitable<result<std::string>> fetch(std::string address, bool follow_redirects);
  /// Whether one of the sites' own hosts is meant.
  bool on_sites_host(const std::string& address) const { return hosts_.find(address) != nullptr; }

 private:
  application& app_;
  http_client http_;
  site_hosts hosts_;
};

}  // namespace catwalk::daemon
