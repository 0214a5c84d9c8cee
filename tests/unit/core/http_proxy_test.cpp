#include "core/proxy_choice.hpp"
#include "tests/support/catch.hpp"

using catwalk::exempt_from_proxy;
using catwalk::parse_url;

TEST_CASE("no_proxy exempts names, addresses and networks") {
  const auto exempt = [](const char* list, const char* address) {
    return exempt_from_proxy(list, parse_url(address).value());
  };
  CHECK(exempt("*", "http://any.example/"));
  CHECK(exempt("shop.example", "http://shop.example/"));
  CHECK(exempt("shop.example", "http://www.shop.example/"));
  CHECK(exempt(".shop.example", "http://shop.example/"));
  CHECK(exempt("*.shop.example", "http://www.shop.example/"));
  CHECK(exempt("a.example, SHOP.example", "http://shop.example/"));
  CHECK(exempt("a.example shop.example", "http://shop.example/"));
  CHECK(exempt("shop.example:8080", "http://shop.example:8080/"));
  CHECK(exempt("10.0.0.0/8", "http://10.1.2.3/"));
  CHECK(exempt("10.1.2.3", "http://10.1.2.3/"));
  CHECK(exempt("fd00::/8", "http://[fd12::1]/"));
  CHECK(exempt("[::1]:80", "http://[::1]/"));
  CHECK_FALSE(exempt("", "http://shop.example/"));
  CHECK_FALSE(exempt(" , ,", "http://shop.example/"));
  CHECK_FALSE(exempt("shop.example", "http://myshop.example/"));
  CHECK_FALSE(exempt("shop.example:8080", "http://shop.example/"));
  CHECK_FALSE(exempt("10.0.0.0/8", "http://11.1.2.3/"));
  CHECK_FALSE(exempt("10.0.0.0/99", "http://10.1.2.3/"));
  CHECK_FALSE(exempt(".", "http://shop.example/"));
  CHECK_FALSE(exempt(":80", "http://shop.example/"));
  CHECK_FALSE(exempt("fd00::/8", "http://10.1.2.3/"));
}
