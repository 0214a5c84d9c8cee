#include "daemon/access_policy.hpp"

#include <boost/beast/http/field.hpp>

#include "daemon/http_session.hpp"
#include "tests/support/catch.hpp"

namespace http = boost::beast::http;
using namespace catwalk;
using namespace catwalk::daemon;
using need = access_policy::need;

namespace {

const access_policy policy({"192.0.2.7:9817", {"catwalk.example", "other.example:8443"}, "the-token"});
const auto now = from_millis(1'700'000'000'000);

using fields = std::vector<std::pair<http::field, std::string>>;

http_request_head head(const fields& list, http::verb method = http::verb::get) {
  http_request_head h;
  h.method(method);
  h.version(11);
  h.set(http::field::host, "localhost:9817");
  for (const auto& [name, value] : list) h.set(name, value);
  return h;
}

/// 200: no refusal.
int status(const http_request_head& h, need what = need::token,
           const http_peer& from = {false, "127.0.0.1"}) {
  const auto refused = policy.refusal(h, from, what, now);
  return refused ? refused->status : 200;
}

}  // namespace

TEST_CASE("a token is asked for, on loopback too, and only the right one opens") {
  CHECK(status(head({})) == 401);
  CHECK(status(head({{http::field::authorization, "Bearer the-token"}})) == 200);
  CHECK(status(head({{http::field::authorization, "bearer   the-token"}})) == 200);
  for (const auto* wrong : {"Bearer the-toke", "Bearer the-token1", "Bearer", "Bearer ", "the-token",
                            "Basic the-token", "Bearer THE-TOKEN"})
    CHECK(status(head({{http::field::authorization, wrong}})) == 401);
  CHECK(status(head({}), need::nothing) == 200);
  const access_policy without({"127.0.0.1:1", {}, ""});
  CHECK(without.refusal(head({{http::field::authorization, "Bearer "}}), {}, need::token, now)->status ==
        401);
}

TEST_CASE("the refusal says how to ask and not what the token is") {
  const auto refused = policy.refusal(head({}), {}, need::token, now);
  REQUIRE(refused);
  CHECK(refused->headers.front() ==
        std::pair<std::string, std::string>("WWW-Authenticate", "Bearer realm=\"catwalk\""));
  CHECK(refused->body.find("catwalk status --token") != std::string::npos);
  CHECK(refused->body.find("the-token") == std::string::npos);
}

TEST_CASE("an unknown Host is refused before anything else, so that DNS rebinding reaches nothing") {
  for (const auto* known : {"localhost", "LOCALHOST:1", "127.0.0.1:9817", "[::1]:80", "[::1]", "192.0.2.7",
                            "192.0.2.7:9817", "catwalk.example", "Catwalk.Example:443", "other.example:8443"})
    CHECK(status(head({{http::field::host, known}}), need::nothing) == 200);
  for (const auto* unknown : {"", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                              "[::2]:80", "other.example", "catwalk.example.evil.example"})
    CHECK(status(head({{http::field::host, unknown}, {http::field::authorization, "Bearer the-token"}}),
                 need::nothing) == 421);
}

TEST_CASE("an Origin is the page's own or a configured one") {
  const auto with = [](const char* host, const char* origin) {
    return status(head({{http::field::host, host},
                        {http::field::origin, origin},
                        {http::field::authorization, "Bearer the-token"}}));
  };
  CHECK(with("localhost:9817", "http://localhost:9817") == 200);
  CHECK(with("catwalk.example", "https://catwalk.example") == 200);
  // Behind a proxy that rewrites Host.
  CHECK(with("127.0.0.1:9817", "https://catwalk.example") == 200);
  CHECK(with("127.0.0.1:9817", "https://catwalk.example:8443") == 200);
  for (const auto* foreign : {"http://localhost:3000", "http://evil.example", "null", "",
                              "http://localhost:9817.evil.example", "https://other.example"})
    CHECK(with("localhost:9817", foreign) == (*foreign ? 403 : 200));
}

TEST_CASE("a session's cookie opens until it ends, and changes things only from a page") {
  const auto value = policy.session(now + std::chrono::hours(1));
  const auto cookie = "a=b; catwalk_session=" + value + "; c=d";
  CHECK(status(head({{http::field::cookie, cookie}})) == 200);
  CHECK(status(head({{http::field::cookie, cookie}}, http::verb::post)) == 403);
  CHECK(status(head({{http::field::cookie, cookie}, {http::field::origin, "http://localhost:9817"}},
                    http::verb::post)) == 200);
  CHECK(status(head({{http::field::cookie, cookie}, {http::field::origin, "http://localhost:3000"}},
                    http::verb::post)) == 403);
  CHECK(status(head({{http::field::cookie, "catwalk_session=" + policy.session(now)}})) == 401);
  auto forged = value;
  forged.front() = forged.front() == '9' ? '8' : '9';  // a later end, the old seal
  CHECK(status(head({{http::field::cookie, "catwalk_session=" + forged}})) == 401);
  CHECK_FALSE(session_holds("another-token", value, now));
  CHECK(session_holds("the-token", value, now));
  for (const auto* broken : {"", ".", "1.", "x.y", "99999999999999999999.aa"})
    CHECK_FALSE(session_holds("the-token", broken, now));
}

TEST_CASE("cookies are found by their whole name") {
  CHECK(cookie_value("catwalk_session=1", "catwalk_session") == "1");
  CHECK(cookie_value("x=1;  catwalk_session=2", "catwalk_session") == "2");
  CHECK(cookie_value("xcatwalk_session=1; catwalk_session", "catwalk_session").empty());
  CHECK(cookie_value("", "catwalk_session").empty());
}

TEST_CASE("the unix socket needs neither Host nor token") {
  CHECK(status(head({{http::field::host, "anything"}}, http::verb::post), need::token, {true, ""}) == 200);
}
