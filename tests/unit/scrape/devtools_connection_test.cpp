#include "scrape/devtools_connection.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using scrape::parse_devtools_address;

TEST_CASE("addresses of running browsers") {
  const auto plain = parse_devtools_address("http://127.0.0.1:9222");
  REQUIRE(plain);
  CHECK(plain->host == "127.0.0.1");
  CHECK(plain->port == 9222);
  CHECK(plain->path.empty());
  const auto whole = parse_devtools_address("ws://[::1]:9222/devtools/browser/1-2");
  REQUIRE(whole);
  CHECK(whole->host == "::1");
  CHECK(whole->path == "/devtools/browser/1-2");
  CHECK(parse_devtools_address("ws://chromium:9222/")->path.empty());
  for (const char* wrong : {"https://127.0.0.1:9222", "wss://127.0.0.1:9222", "127.0.0.1:9222", "auto", ""})
    CHECK(parse_devtools_address(wrong).has_error());
}
