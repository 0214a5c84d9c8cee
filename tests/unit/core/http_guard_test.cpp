#include "tests/unit/core/http_fixture.hpp"

using namespace catwalk;
using catwalk::testing::http_fixture;

namespace {

struct guarded : http_fixture {
  http_client_options options(std::vector<std::string> permitted = {}) {
    auto o = open_options();
    o.guard_addresses = true;
    o.permitted_endpoints = std::move(permitted);
    return o;
  }
};

}  // namespace

TEST_CASE_METHOD(guarded, "a guarded client dials no private address, however it is spelled") {
  server s([](const request&) { return reply{}; });
  http_client strict(loop.get_executor(), options());
  for (const auto* host :
       {"127.0.0.1", "localhost", "0177.0.0.1", "0x7f.1", "2130706433", "0x7f000001", "127.1",
        "[::ffff:127.0.0.1]", "0", "%31%32%37.0.0.1", "\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.0.0.1"}) {
    INFO(host);
    const auto got = fetch(strict, get(s.at("/", host)));
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::refused_address);
    CHECK(got.error().hint.find("fetch.allow_private_addresses") != std::string::npos);
    INFO(got.error().to_string());
    CHECK((got.error().why.find("127.0.0.0/8") != std::string::npos ||
           got.error().why.find("unspecified") != std::string::npos ||
           got.error().why.find("::1") != std::string::npos));
  }
  CHECK(s.connections() == 0);
}

TEST_CASE_METHOD(guarded, "the guard holds across redirects, and exceptions are exact") {
  server inside([](const request&) { return reply{}; });
  server s([&](const request& q) {
    reply r;
    if (q.target == "/go") {
      r.status = 302;
      r.headers = {{"Location", inside.at("/secret")}};
    }
    return r;
  });
  http_client partly(loop.get_executor(), options({s.endpoint()}));
  CHECK(fetch(partly, get(s.at("/stay"))));
  const auto got = fetch(partly, get(s.at("/go")));
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::refused_address);
  CHECK(got.error().why.find(inside.endpoint()) != std::string::npos);
  CHECK(got.error().on == inside.at("/secret"));
  CHECK(inside.connections() == 0);

  http_client both(loop.get_executor(), options({s.endpoint(), inside.endpoint()}));
  CHECK(fetch(both, get(s.at("/go"))));
  CHECK(inside.requests().size() == 1);
}

TEST_CASE_METHOD(guarded, "a private proxy may be used, but not to reach a literal private host") {
  server proxy([](const request& q) {
    reply r;
    r.body = q.target;
    return r;
  });
  auto o = options();
  o.http_proxy = "http://" + proxy.endpoint();
  o.no_proxy = "direct.invalid";
  http_client through(loop.get_executor(), o);
  const auto got = fetch(through, get("http://shop.example/page"));
  REQUIRE(got);
  CHECK(got->body == "http://shop.example/page");
  for (const auto* host : {"10.0.0.1", "localhost", "[::1]", "0xa.1", "169.254.169.254", "a.localhost"}) {
    const auto refused = fetch(through, get("http://" + std::string(host) + "/"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::refused_address);
  }
  CHECK(proxy.requests().size() == 1);
  const auto direct = fetch(through, get("http://direct.invalid/"));
  REQUIRE_FALSE(direct);
  CHECK(direct.error().code == errc::network);
  CHECK(proxy.requests().size() == 1);
}

TEST_CASE_METHOD(http_fixture, "the environment's proxy is not read, a request's own wins") {
  server proxy([](const request&) { return reply{}; });
  server s([](const request&) { return reply{}; });
  ::setenv("http_proxy", ("http://" + proxy.endpoint()).c_str(), 1);
  const auto got = fetch(get(s.at("/")));
  ::unsetenv("http_proxy");
  REQUIRE(got);
  CHECK(proxy.requests().empty());
  auto r = get(s.at("/x"));
  r.proxy = "http://" + proxy.endpoint();
  REQUIRE(fetch(r));
  REQUIRE(proxy.requests().size() == 1);
  CHECK(proxy.requests().back().target == s.at("/x"));
}
