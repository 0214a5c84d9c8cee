#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "scrape/probe.hpp"

namespace catwalk::daemon {

/// Whether a probe may render a page in a browser where it finds nothing without: Chromium is started for it
/// where it is installed.
enum class probe_browser { none, where_it_is };

/// Probes one address with a client and a polite lane of its own. `permitted`: see
/// http_client_options::permitted_endpoints.
boost::asio::awaitable<result<scrape::probe_report>> run_probe(boost::asio::any_io_executor loop,
                                                               const config::fetch_settings& fetch,
                                                               std::string address, probe_browser rendering,
                                                               std::vector<std::string> permitted = {});

/// The products that were found, as rows of the sink.
nlohmann::json rows_of(const scrape::probe_report& report);

}  // namespace catwalk::daemon
