#pragma once
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace catwalk {

/// Why an address must not be dialled on a shop's behalf: the name of the special range that it lies in, with
/// the range itself ("private, 10.0.0.0/8"), or nullopt for an address of the public internet. IPv6 forms
/// that carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) are judged by what they carry. Source
/// of the ranges: IANA's IPv4 and IPv6 Special-Purpose Address Registries.
std::optional<std::string> refusal(const boost::asio::ip::address& address);

/// `address:port` as `permitted_endpoints` writes it: "127.0.0.1:8080", "[::1]:8080".
std::string endpoint_text(const boost::asio::ip::address& address, std::uint16_t port);

/// Judges the addresses that a client is about to dial. Pure: no I/O, no clock.
class address_guard {
 public:
  /// `enabled` false permits everything. `permitted` are exact numeric `host:port` exceptions.
  address_guard(bool enabled, const std::vector<std::string>& permitted);

  /// The refusal of one endpoint, or nullopt when it may be dialled.
  std::optional<std::string> check(const boost::asio::ip::address& address, std::uint16_t port) const;
  /// The refusal of a host as an address names it, without resolving: a numeric address is checked,
  /// `localhost` and names under it count as loopback, any other name is permitted. For requests through a
  /// proxy, which resolves.
  std::optional<std::string> check_literal(std::string_view host, std::uint16_t port) const;

 private:
  bool enabled_;
  std::vector<std::string> permitted_;
};

}  // namespace catwalk
