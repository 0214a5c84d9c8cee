#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>

#include "config/settings.hpp"
#include "scrape/probe.hpp"

namespace catwalk::daemon {

/// Probes one address with a client and a polite lane of its own.
boost::asio::awaitable<result<scrape::probe_report>> run_probe(boost::asio::any_io_executor loop,
                                                               const config::fetch_settings& fetch,
                                                               std::string address);

}  // namespace catwalk::daemon
