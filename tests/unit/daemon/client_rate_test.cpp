#include "daemon/client_rate.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::daemon;
using namespace std::chrono_literals;

TEST_CASE("a client has its burst, then one request in each period") {
  client_rate rate({.every = 1000ms, .burst = 3, .clients = 10});
  const steady_time start{};
  for (int i = 0; i < 3; ++i) CHECK_FALSE(rate.wait("a", start));
  CHECK(rate.wait("a", start) == 1000ms);
  CHECK(rate.wait("a", start + 400ms) == 600ms);
  CHECK_FALSE(rate.wait("b", start + 400ms));
  CHECK_FALSE(rate.wait("a", start + 1000ms));
  CHECK(rate.wait("a", start + 1000ms) == 1000ms);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(rate.wait("a", start + 1h));
  CHECK(rate.wait("a", start + 1h));
}

TEST_CASE("however many clients ask, only so many are remembered, the latest") {
  client_rate rate({.every = 1h, .burst = 1, .clients = 100});
  const steady_time start{};
  CHECK_FALSE(rate.wait("steady", start));
  for (int i = 0; i < 10'000; ++i) {
    CHECK_FALSE(rate.wait("c" + std::to_string(i), start));
    if (i % 50 == 0) CHECK(rate.wait("steady", start));
  }
  CHECK(rate.wait("c9999", start));
  CHECK_FALSE(rate.wait("c1", start));
}

TEST_CASE("a client is an address, or a network of 64 bits") {
  CHECK(client_of("192.0.2.7", "") == "192.0.2.7");
  CHECK(client_of("192.0.2.7", "198.51.100.1") == "192.0.2.7");  // not from a proxy of this machine
  CHECK(client_of("127.0.0.1", "203.0.113.9, 198.51.100.1 ") == "198.51.100.1");
  CHECK(client_of("127.0.0.1", "unknown") == "127.0.0.1");
  CHECK(client_of("2001:db8::1", "") == client_of("2001:db8::ffff:1", ""));
  CHECK(client_of("2001:db8::1", "") != client_of("2001:db8:0:1::1", ""));
  CHECK(client_of("::ffff:192.0.2.7", "") == "192.0.2.7");
}
