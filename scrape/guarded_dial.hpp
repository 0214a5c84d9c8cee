#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "core/address_guard.hpp"
#include "core/error.hpp"

namespace catwalk::scrape {

/// Connects to a host (a name, or an address without brackets): looks its addresses up, has the guard judge
/// every one of them, and dials those very addresses in turn; nothing is looked up a second time.
/// `refused_address` where the guard refuses one of them, `network` or `timeout` where none answers.
/// `patience` is for the name, and again for each address.
boost::asio::awaitable<result<boost::asio::ip::tcp::socket>> guarded_dial(boost::asio::any_io_executor loop,
                                                                          const address_guard& guard,
                                                                          std::string host,
                                                                          std::uint16_t port,
                                                                          std::chrono::milliseconds patience);

}  // namespace catwalk::scrape
