#include "tests/unit/core/http_fixture.hpp"

using namespace catwalk;
using catwalk::testing::http_fixture;

namespace {

http_fixture::reply to(std::string location, int status = 302) {
  http_fixture::reply r;
  r.status = status;
  r.headers = {{"Location", std::move(location)}};
  r.body = "moved";
  return r;
}

}  // namespace

TEST_CASE_METHOD(http_fixture, "a redirect is followed, relative ones too") {
  server s([](const request& q) {
    if (q.target == "/a/old") return to("../b/n\xC3\xA9w?x=1");
    reply r;
    r.body = q.target;
    return r;
  });
  const auto got = fetch(get(s.at("/a/old#part")));
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->body == "/b/n%C3%A9w?x=1");
  CHECK(got->url == s.at("/b/n%C3%A9w?x=1#part"));
  CHECK(s.connections() == 1);
}

TEST_CASE_METHOD(http_fixture, "redirects end after max_redirects hops") {
  server s([](const request& q) {
    const int n = std::stoi(q.target.substr(1));
    return n == 0 ? reply{} : to("/" + std::to_string(n - 1));
  });
  auto r = get(s.at("/5"));
  REQUIRE(fetch(r));
  r.url = s.at("/6");
  const auto got = fetch(r);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::too_many_redirects);
  CHECK(got.error().why.find("5 redirects") != std::string::npos);
  r.max_redirects = 0;
  const auto shown = fetch(r);
  REQUIRE(shown);
  CHECK(shown->status == 302);
  CHECK(shown->headers.find("Location").value() == "/5");
  CHECK(shown->body == "moved");
}

TEST_CASE_METHOD(http_fixture, "a redirect loop ends") {
  server s([](const request& q) { return to(q.target); });
  const auto got = fetch(get(s.at("/loop")));
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::too_many_redirects);
  CHECK(s.requests().size() == 6);
}

TEST_CASE_METHOD(http_fixture, "a redirect to another scheme is refused") {
  for (const auto* target :
       {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:70/", "javascript:alert(1)"}) {
    server s([&](const request&) { return to(target); });
    const auto got = fetch(get(s.at("/")));
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::too_many_redirects);
    CHECK(got.error().why.find("scheme") != std::string::npos);
    CHECK(s.requests().size() == 1);
  }
}

TEST_CASE_METHOD(http_fixture, "credentials stay with the host that they were given for") {
  server other([](const request&) { return reply{}; });
  server s([&](const request& q) {
    if (q.target == "/same") return to("/end");
    if (q.target == "/away") return to(other.at("/end"));
    return reply{};
  });
  auto r = get(s.at("/same"));
  r.headers = {{"Authorization", "Bearer x"}, {"apikey", "secret"},      {"Cookie", "a=b"},
               {"X-Shop-Token", "t"},         {"Accept-Language", "cs"}, {"User-Agent", "agent"}};
  REQUIRE(fetch(r));
  for (const auto* name : {"authorization", "apikey", "cookie", "x-shop-token", "accept-language"})
    CHECK(s.requests().back().header(name).has_value());

  r.url = s.at("/away");
  REQUIRE(fetch(r));
  REQUIRE(other.requests().size() == 1);
  for (const auto* name : {"authorization", "apikey", "cookie", "x-shop-token"})
    CHECK_FALSE(other.requests().back().header(name).has_value());
  CHECK(other.requests().back().header("accept-language").value() == "cs");
  CHECK(other.requests().back().header("user-agent").value() == "agent");
  // userinfo of the first address does not travel either
  std::string with_user = s.at("/away");
  with_user.insert(7, "user:pw@");
  REQUIRE(fetch(get(with_user)));
  CHECK(s.requests().back().header("authorization").has_value());
  CHECK_FALSE(other.requests().back().header("authorization").has_value());
}

TEST_CASE_METHOD(http_fixture, "a redirect keeps or changes the method as browsers do") {
  struct row {
    const char* method;
    int status;
    const char* then;
  };
  const row rows[] = {{"POST", 301, "GET"},  {"POST", 302, "GET"},  {"POST", 303, "GET"},
                      {"POST", 307, "POST"}, {"POST", 308, "POST"}, {"PUT", 302, "PUT"},
                      {"PUT", 303, "GET"},   {"HEAD", 303, "HEAD"}, {"GET", 302, "GET"}};
  for (const auto& row : rows) {
    server s([&](const request& q) { return q.target == "/" ? to("/next", row.status) : reply{}; });
    auto r = get(s.at("/"));
    r.method = row.method;
    if (r.method.starts_with('P')) r.body = "payload";
    r.headers = {{"Content-Type", "text/plain"}};
    REQUIRE(fetch(r));
    const auto seen = s.requests().back();
    INFO(row.method << " " << row.status);
    CHECK(seen.target == "/next");
    CHECK(seen.method == row.then);
    CHECK(seen.body == (seen.method.starts_with('P') ? "payload" : ""));
  }
}

TEST_CASE_METHOD(http_fixture, "the body of a redirect reaches no one, 304 is an answer") {
  server s([](const request& q) {
    if (q.target == "/old") return to("/new");
    reply r;
    r.status = q.target == "/same" ? 304 : 200;
    r.headers = {{"ETag", "\"1\""}};
    r.body = "new";
    return r;
  });
  std::string pieces;
  auto r = get(s.at("/old"));
  r.on_body = [&](std::string_view piece) -> result<void> {
    pieces += piece;
    return {};
  };
  const auto got = fetch(r);
  REQUIRE(got);
  CHECK(pieces == "new");
  const auto same = fetch(get(s.at("/same")));
  REQUIRE(same);
  CHECK(same->status == 304);
  CHECK(same->headers.find("etag").value() == "\"1\"");
}
