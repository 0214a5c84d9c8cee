#include "core/address_guard.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>

#include "core/url.hpp"

namespace catwalk {
namespace {

namespace ip = boost::asio::ip;

struct v4_range {
  std::uint32_t network;
  int bits;
  const char* name;
};

constexpr std::uint32_t v4(int a, int b, int c, int d) {
  return static_cast<std::uint32_t>(a) << 24 | static_cast<std::uint32_t>(b) << 16 |
         static_cast<std::uint32_t>(c) << 8 | static_cast<std::uint32_t>(d);
}

// The first that matches gives the name, so the narrower ranges come first.
constexpr std::array v4_ranges{
    v4_range{v4(169, 254, 169, 254), 32, "cloud metadata, 169.254.169.254"},
    v4_range{v4(255, 255, 255, 255), 32, "broadcast, 255.255.255.255"},
    v4_range{v4(0, 0, 0, 0), 32, "unspecified, 0.0.0.0"},
    v4_range{v4(0, 0, 0, 0), 8, "this network, 0.0.0.0/8"},
    v4_range{v4(10, 0, 0, 0), 8, "private, 10.0.0.0/8"},
    v4_range{v4(100, 64, 0, 0), 10, "carrier-grade NAT, 100.64.0.0/10"},
    v4_range{v4(127, 0, 0, 0), 8, "loopback, 127.0.0.0/8"},
    v4_range{v4(169, 254, 0, 0), 16, "link-local, 169.254.0.0/16"},
    v4_range{v4(172, 16, 0, 0), 12, "private, 172.16.0.0/12"},
    v4_range{v4(192, 0, 0, 0), 24, "protocol assignments, 192.0.0.0/24"},
    v4_range{v4(192, 0, 2, 0), 24, "documentation, 192.0.2.0/24"},
    v4_range{v4(192, 88, 99, 0), 24, "6to4 relay anycast, 192.88.99.0/24"},
    v4_range{v4(192, 168, 0, 0), 16, "private, 192.168.0.0/16"},
    v4_range{v4(198, 18, 0, 0), 15, "benchmarking, 198.18.0.0/15"},
    v4_range{v4(198, 51, 100, 0), 24, "documentation, 198.51.100.0/24"},
    v4_range{v4(203, 0, 113, 0), 24, "documentation, 203.0.113.0/24"},
    v4_range{v4(224, 0, 0, 0), 4, "multicast, 224.0.0.0/4"},
    v4_range{v4(240, 0, 0, 0), 4, "reserved, 240.0.0.0/4"},
};

std::optional<std::string> refusal_v4(std::uint32_t address) {
  for (const auto& range : v4_ranges)
    if ((address ^ range.network) >> (32 - range.bits) == 0) return range.name;
  return std::nullopt;
}

using v6_bytes = ip::address_v6::bytes_type;

struct v6_range {
  v6_bytes network;
  int bits;
  const char* name;
};

constexpr v6_bytes v6(std::array<int, 8> groups) {
  v6_bytes bytes{};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    bytes[2 * i] = static_cast<unsigned char>(groups[i] >> 8);
    bytes[2 * i + 1] = static_cast<unsigned char>(groups[i] & 0xff);
  }
  return bytes;
}

const std::array v6_ranges{
    v6_range{v6({0, 0, 0, 0, 0, 0, 0, 0}), 128, "unspecified, ::"},
    v6_range{v6({0, 0, 0, 0, 0, 0, 0, 1}), 128, "loopback, ::1"},
    v6_range{v6({0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254}), 128, "cloud metadata, fd00:ec2::254"},
    v6_range{v6({0x64, 0xff9b, 1, 0, 0, 0, 0, 0}), 48, "local-use NAT64, 64:ff9b:1::/48"},
    v6_range{v6({0x100, 0, 0, 0, 0, 0, 0, 0}), 64, "discard-only, 100::/64"},
    v6_range{v6({0x2001, 0xdb8, 0, 0, 0, 0, 0, 0}), 32, "documentation, 2001:db8::/32"},
    v6_range{v6({0x2001, 2, 0, 0, 0, 0, 0, 0}), 48, "benchmarking, 2001:2::/48"},
    v6_range{v6({0x2001, 0x10, 0, 0, 0, 0, 0, 0}), 28, "ORCHID, 2001:10::/28"},
    v6_range{v6({0x2001, 0x20, 0, 0, 0, 0, 0, 0}), 28, "ORCHIDv2, 2001:20::/28"},
    v6_range{v6({0x3fff, 0, 0, 0, 0, 0, 0, 0}), 20, "documentation, 3fff::/20"},
    v6_range{v6({0x5f00, 0, 0, 0, 0, 0, 0, 0}), 16, "segment routing, 5f00::/16"},
    v6_range{v6({0xfc00, 0, 0, 0, 0, 0, 0, 0}), 7, "unique local, fc00::/7"},
    v6_range{v6({0xfe80, 0, 0, 0, 0, 0, 0, 0}), 10, "link-local, fe80::/10"},
    v6_range{v6({0xfec0, 0, 0, 0, 0, 0, 0, 0}), 10, "site-local, fec0::/10"},
    v6_range{v6({0xff00, 0, 0, 0, 0, 0, 0, 0}), 8, "multicast, ff00::/8"},
};

bool within(const v6_bytes& address, const v6_bytes& network, int bits) {
  for (int i = 0; i < bits; ++i) {
    const auto byte = static_cast<std::size_t>(i / 8);
    const int mask = 0x80 >> (i % 8);
    if ((address[byte] & mask) != (network[byte] & mask)) return false;
  }
  return true;
}

std::uint32_t v4_at(const v6_bytes& bytes, std::size_t offset) {
  return v4(bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]);
}

struct carrier {
  v6_bytes network;
  int bits;
  std::size_t offset;  // of the IPv4 address, in bytes
  std::uint32_t mask;  // Teredo inverts the client's address
  const char* name;
};

const std::array carriers{
    carrier{v6({0, 0, 0, 0, 0, 0xffff, 0, 0}), 96, 12, 0, "IPv4-mapped"},
    carrier{v6({0, 0, 0, 0, 0xffff, 0, 0, 0}), 96, 12, 0, "IPv4-translated"},
    carrier{v6({0x64, 0xff9b, 0, 0, 0, 0, 0, 0}), 96, 12, 0, "NAT64"},
    carrier{v6({0x2002, 0, 0, 0, 0, 0, 0, 0}), 16, 2, 0, "6to4"},
    carrier{v6({0x2001, 0, 0, 0, 0, 0, 0, 0}), 32, 4, 0, "Teredo server"},
    carrier{v6({0x2001, 0, 0, 0, 0, 0, 0, 0}), 32, 12, 0xffffffff, "Teredo"},
    carrier{v6({0, 0, 0, 0, 0, 0, 0, 0}), 96, 12, 0, "IPv4-compatible"},
};

std::optional<std::string> refusal_v6(const v6_bytes& bytes) {
  for (const auto& range : v6_ranges)
    if (within(bytes, range.network, range.bits)) return range.name;
  for (const auto& c : carriers)
    if (within(bytes, c.network, c.bits))
      if (auto inner = refusal_v4(v4_at(bytes, c.offset) ^ c.mask)) return *inner + ", as " + c.name;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> refusal(const ip::address& address) {
  return address.is_v4() ? refusal_v4(address.to_v4().to_uint()) : refusal_v6(address.to_v6().to_bytes());
}

std::string endpoint_text(const ip::address& address, std::uint16_t port) {
  const std::string text = address.to_string();
  return (address.is_v6() ? "[" + text + "]" : text) + ":" + std::to_string(port);
}

address_guard::address_guard(bool enabled, const std::vector<std::string>& permitted)
    : enabled_(enabled), permitted_(permitted) {}

std::optional<std::string> address_guard::check(const ip::address& address, std::uint16_t port) const {
  if (!enabled_) return std::nullopt;
  auto refused = refusal(address);
  if (refused &&
      std::find(permitted_.begin(), permitted_.end(), endpoint_text(address, port)) != permitted_.end())
    return std::nullopt;
  return refused;
}

std::optional<std::string> address_guard::check_literal(std::string_view host, std::uint16_t port) const {
  if (!enabled_) return std::nullopt;
  host = without_brackets(host);
  boost::system::error_code failed;
  const auto address = ip::make_address(std::string(host), failed);
  if (!failed) return check(address, port);
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (host == "localhost" || host.ends_with(".localhost")) return check(ip::address_v4::loopback(), port);
  return std::nullopt;
}

}  // namespace catwalk
