#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "core/address_guard.hpp"

namespace catwalk::scrape {

/// Where an answer to the browser came from, as the browser says.
struct browser_answer {
  std::string address;  ///< numeric, IPv6 with or without brackets; empty: from nowhere, it is catwalk's own
  std::uint16_t port = 0;
  bool from_cache = false;
  bool by_proxy = false;  ///< the site's proxy was asked: the address is that proxy's
};

/// Why a page with this answer in it must be dropped; nullopt: it need not. The second look, after the one
/// before each request: with catwalk's guard proxy (`through`) in between every answer comes from there, and
/// one from elsewhere went around it; without, it comes from what a name led to when the browser dialled.
std::optional<std::string> refusal_of(const browser_answer& answer, const address_guard& guard,
                                      const std::optional<boost::asio::ip::tcp::endpoint>& through);

}  // namespace catwalk::scrape
