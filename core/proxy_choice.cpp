#include "core/proxy_choice.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "config/letter_case.hpp"

namespace catwalk {
namespace {

namespace ip = boost::asio::ip;

bool in_network(std::string_view network, const ip::address& address) {
  boost::system::error_code failed;
  if (address.is_v4()) {
    const auto range = ip::make_network_v4(std::string(network), failed);
    return !failed && (address.to_v4().to_uint() & range.netmask().to_uint()) == range.network().to_uint();
  }
  const auto range = ip::make_network_v6(std::string(network), failed);
  if (failed) return false;
  const auto one = ip::make_network_v6(address.to_v6(), range.prefix_length());
  return one.network() == range.network();
}

bool matches(std::string_view entry, const url& target) {
  if (entry == "*") return true;
  const auto host = without_brackets(target.host);
  boost::system::error_code not_numeric;
  const auto address = ip::make_address(std::string(host), not_numeric);
  if (!not_numeric && entry.find('/') != entry.npos) return in_network(entry, address);
  const auto colon = entry.rfind(':');
  const bool has_port = colon != entry.npos && (entry.find(':') == colon || entry[colon - 1] == ']');
  if (has_port) {
    if (entry.substr(colon + 1) != std::to_string(target.port)) return false;
    entry = entry.substr(0, colon);
  }
  entry = without_brackets(entry);
  if (!not_numeric) {
    boost::system::error_code failed;
    return ip::make_address(std::string(entry), failed) == address && !failed;
  }
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty()) return false;
  return host == entry || (host.ends_with(entry) && host[host.size() - entry.size() - 1] == '.');
}

}  // namespace

bool exempt_from_proxy(std::string_view no_proxy, const url& target) {
  const std::string list = config::lower_case(no_proxy);
  std::string_view rest = list;
  while (!rest.empty()) {
    const auto entry = rest.substr(0, rest.find_first_of(", \t"));
    if (!entry.empty() && matches(entry, target)) return true;
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
  }
  return false;
}

}  // namespace catwalk
