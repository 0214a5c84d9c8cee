#include "core/address_guard.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using boost::asio::ip::make_address;

TEST_CASE("every special range is refused by its name, to its edges") {
  struct row {
    const char* address;
    const char* name;
  };
  const row rows[] = {
      {"0.0.0.0", "unspecified"},
      {"0.255.255.255", "this network"},
      {"10.0.0.0", "private"},
      {"10.255.255.255", "private"},
      {"100.64.0.0", "carrier-grade NAT"},
      {"100.127.255.255", "carrier-grade NAT"},
      {"127.0.0.1", "loopback"},
      {"127.255.255.254", "loopback"},
      {"169.254.0.1", "link-local"},
      {"169.254.169.254", "cloud metadata"},
      {"172.16.0.0", "private"},
      {"172.31.255.255", "private"},
      {"192.0.0.170", "protocol assignments"},
      {"192.0.2.1", "documentation"},
      {"192.168.255.255", "private"},
      {"198.18.0.0", "benchmarking"},
      {"198.19.255.255", "benchmarking"},
      {"198.51.100.7", "documentation"},
      {"203.0.113.7", "documentation"},
      {"224.0.0.1", "multicast"},
      {"239.255.255.255", "multicast"},
      {"240.0.0.1", "reserved"},
      {"255.255.255.255", "broadcast"},
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"fc00::1", "unique local"},
      {"fdff::1", "unique local"},
      {"fd00:ec2::254", "cloud metadata"},
      {"ff02::1", "multicast"},
      {"2001:db8::1", "documentation"},
      {"3fff::1", "documentation"},
      {"100::1", "discard-only"},
      {"64:ff9b:1::1", "local-use NAT64"},
      {"::ffff:127.0.0.1", "loopback"},
      {"::ffff:10.1.2.3", "IPv4-mapped"},
      {"::10.1.2.3", "IPv4-compatible"},
      {"::ffff:0:192.168.0.1", "IPv4-translated"},
      {"64:ff9b::192.168.1.1", "NAT64"},
      {"64:ff9b::169.254.169.254", "cloud metadata"},
      {"2002:0a00:0001::1", "6to4"},               // 10.0.0.1
      {"2001:0:808:808:0:0:f5ff:fffe", "Teredo"},  // client 10.0.0.1, inverted
      {"2001:0:a00:1::f7f7:f7f7", "Teredo server"},
  };
  for (const auto& row : rows) {
    INFO(row.address);
    const auto refused = refusal(make_address(row.address));
    REQUIRE(refused);
    INFO(*refused);
    CHECK(refused->find(row.name) != std::string::npos);
  }
}

TEST_CASE("the public internet is permitted, up to the edges of the ranges") {
  for (const auto* address : {"1.1.1.1",
                              "9.255.255.255",
                              "11.0.0.0",
                              "100.63.255.255",
                              "100.128.0.0",
                              "126.255.255.255",
                              "128.0.0.0",
                              "169.253.255.255",
                              "169.255.0.0",
                              "172.15.255.255",
                              "172.32.0.0",
                              "192.0.1.0",
                              "192.167.255.255",
                              "192.169.0.0",
                              "198.17.255.255",
                              "198.20.0.0",
                              "223.255.255.255",
                              "2606:4700::1111",
                              "2a00:1450::1",
                              "::ffff:8.8.8.8",
                              "64:ff9b::8.8.8.8",
                              "2002:0808:0808::1",
                              "2001:0:808:808::f7f7:f7f7",
                              "2001:db9::1"}) {
    INFO(address);
    CHECK_FALSE(refusal(make_address(address)));
  }
}

TEST_CASE("exceptions are exact, and a guard that is off permits everything") {
  const address_guard guard(true, {"127.0.0.1:8080", "[::1]:9"});
  CHECK_FALSE(guard.check(make_address("127.0.0.1"), 8080));
  CHECK(guard.check(make_address("127.0.0.1"), 8081));
  CHECK(guard.check(make_address("127.0.0.2"), 8080));
  CHECK_FALSE(guard.check(make_address("::1"), 9));
  CHECK_FALSE(address_guard(false, {}).check(make_address("10.0.0.1"), 80));
}

TEST_CASE("hosts are judged as written where a proxy resolves them") {
  const address_guard guard(true, {"127.0.0.1:8080"});
  for (const auto* host : {"10.0.0.1", "[::1]", "[fe80::1]", "localhost", "localhost.", "shop.localhost"})
    CHECK(guard.check_literal(host, 80));
  for (const auto* host :
       {"shop.example", "8.8.8.8", "[2606:4700::1111]", "localhost.example", "notlocalhost"})
    CHECK_FALSE(guard.check_literal(host, 80));
  CHECK_FALSE(guard.check_literal("localhost", 8080));
}
