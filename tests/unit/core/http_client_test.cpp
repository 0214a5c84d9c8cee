#include "core/http_client.hpp"

#include "tests/unit/core/http_fixture.hpp"

using namespace catwalk;
using namespace std::chrono_literals;
using catwalk::testing::http_fixture;

TEST_CASE("header names compare without case") {
  http_headers headers{{"Accept", "a"}, {"ACCEPT", "b"}};
  CHECK(headers.find("accept").value() == "a");
  headers.set_default("aCCept", "c");
  CHECK(headers.entries().size() == 2);
  headers.set("accept", "d");
  CHECK(headers.entries().size() == 1);
  CHECK(headers.find("Accept").value() == "d");
  headers.remove("Accept");
  CHECK_FALSE(headers.find("Accept"));
}

TEST_CASE_METHOD(http_fixture, "an answer has its status, headers, body and address") {
  server s([](const request&) {
    reply r;
    r.status = 404;
    r.headers = {{"X-Shop", "one"}, {"x-shop", "two"}};
    r.body = "not here";
    return r;
  });
  const auto got = fetch(get(s.at("/page?x=1#top")));
  REQUIRE(got);
  CHECK(got->status == 404);
  CHECK(got->body == "not here");
  CHECK(got->headers.find("X-SHOP").value() == "one");
  CHECK(got->url == s.at("/page?x=1#top"));
  CHECK(got->remote_address == s.endpoint());
  CHECK(got->elapsed.count() > 0);
  const auto seen = s.requests().at(0);
  CHECK(seen.target == "/page?x=1");
  CHECK(seen.header("user-agent").value() == "catwalk-test/1");
  CHECK(seen.header("host").value() == s.endpoint());
  CHECK(seen.header("accept-encoding").value().find("gzip") != std::string::npos);
}

TEST_CASE_METHOD(http_fixture, "methods and bodies go out as given") {
  server s([](const request&) { return reply{}; });
  for (const auto* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}) {
    auto r = get(s.at("/"));
    r.method = method;
    r.headers = {{"X-Empty", ""}, {"User-Agent", "mine"}};
    if (std::string_view(method).starts_with('P')) r.body = std::string("a\0b", 3);
    REQUIRE(fetch(std::move(r)));
    const auto seen = s.requests().back();
    CHECK(seen.method == method);
    CHECK(seen.body.size() == (std::string_view(method).starts_with('P') ? 3 : 0));
    CHECK(seen.header("x-empty").value() == "");
    CHECK(seen.header("user-agent").value() == "mine");
    CHECK_FALSE(seen.header("content-type"));
    CHECK_FALSE(seen.header("expect"));
  }
  auto r = get(s.at("/"));
  r.headers = {{"X-Injected", "a\r\nEvil: 1"}};
  const auto refused = fetch(std::move(r));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_argument);
}

TEST_CASE_METHOD(http_fixture, "a compressed body arrives decoded") {
  server s([](const request&) {
    reply r;
    r.headers = {{"Content-Encoding", "gzip"}};
    r.body = catwalk::testing::gzip("hello, hello, hello");
    return r;
  });
  const auto got = fetch(get(s.at("/")));
  REQUIRE(got);
  CHECK(got->body == "hello, hello, hello");
}

TEST_CASE_METHOD(http_fixture, "the cap counts decoded bytes") {
  const std::string zeros(1'000'000, '0');
  server s([&](const request& q) {
    reply r;
    r.body = zeros;
    if (q.target == "/gzip") {
      r.headers = {{"Content-Encoding", "gzip"}};
      r.body = catwalk::testing::gzip(zeros);
    }
    r.chunked = q.target == "/chunked";
    return r;
  });
  for (const auto* path : {"/plain", "/gzip", "/chunked"}) {
    auto r = get(s.at(path));
    r.max_bytes = zeros.size();
    const auto whole = fetch(r);
    REQUIRE(whole);
    CHECK(whole->body.size() == zeros.size());
    r.max_bytes = zeros.size() - 1;
    const auto cut = fetch(r);
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code == errc::too_large);
    CHECK(cut.error().why.find("999999") != std::string::npos);
    r.method = "HEAD";  // announces a length and sends nothing
    CHECK(fetch(r));
  }
}

TEST_CASE_METHOD(http_fixture, "gzip and brotli bombs end at the cap, not in memory") {
  // 50 MB of zeros.
  constexpr std::string_view brotli(
      "\xcb\xff\xff\x3f\x00\x24\x00\xe2\xb1\x40\x72\xef\xff\xf8\xff\xff\x07\x80\x04\x40\x1c\x16\x80\xee\xfd"
      "\x1f\xff\xff\xff\x00\x90\x00\x88\xc3\x02\xd0\xbd\xff\xe3\xff\xff\x1f\x00\x12\x00\x71\x58\x00\xba\xf7"
      "\x7f\xfc\xff\xff\x03\x40\x02\x20\x0e\x0b\x40\xf7\xfe\x2f\xff\xe0\xf5\x00\x48\x00\xc4\x61\x01\xe8\xa0"
      "\xeb\x01",
      77);
  server s([&](const request& q) {
    reply r;
    const bool gzip = q.target == "/gzip";
    r.headers = {{"Content-Encoding", gzip ? "gzip" : "br"}};
    r.body = gzip ? catwalk::testing::gzip(std::string(50'000'000, '\0')) : std::string(brotli);
    return r;
  });
  for (const auto* path : {"/gzip", "/br"}) {
    INFO(path);
    std::size_t taken = 0;
    auto r = get(s.at(path));
    r.max_bytes = 1'000'000;
    r.on_body = [&](std::string_view piece) -> result<void> {
      taken += piece.size();
      return {};
    };
    const auto got = fetch(r);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::too_large);
    CHECK(taken <= 1'000'000);
    r.on_body = {};
    CHECK(fetch(r).error().code == errc::too_large);
  }
}

TEST_CASE_METHOD(http_fixture, "the time limit covers waiting, dripping and redirects") {
  server s([](const request& q) {
    reply r;
    r.body = std::string(100, 'x');
    if (q.target == "/late") r.delay = 5s;
    if (q.target == "/drip") {
      r.drip_bytes = 1;
      r.drip_every = 50ms;
    }
    if (q.target == "/hops") {
      r.status = 302;
      r.headers = {{"Location", "/hops"}};
      r.delay = 60ms;
    }
    return r;
  });
  for (const auto* path : {"/late", "/drip", "/hops"}) {
    auto r = get(s.at(path));
    r.timeout = 250ms;
    r.max_redirects = 100;
    const auto before = std::chrono::steady_clock::now();
    const auto got = fetch(std::move(r));
    CHECK(std::chrono::steady_clock::now() - before < 2s);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::timeout);
    CHECK(got.error().why.find("250 ms") != std::string::npos);
  }
}

TEST_CASE_METHOD(http_fixture, "what breaks off is a network error") {
  server s([](const request& q) {
    reply r;
    r.body = "half";
    r.close = true;
    if (q.target == "/length") r.announced = 100;
    if (q.target == "/chunked") r.chunked = true;
    if (q.target == "/nothing") r.raw = "\r\n";
    if (q.target == "/garbage") r.raw = "SSH-2.0-OpenSSH\r\n";
    return r;
  });
  for (const auto* path : {"/length", "/chunked", "/nothing", "/garbage"}) {
    const auto got = fetch(get(s.at(path)));
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::network);
    CHECK_FALSE(got.error().why.empty());
    CHECK(got.error().on == s.at(path));
  }
}

TEST_CASE_METHOD(http_fixture, "an unreachable host is explained, without its secrets") {
  std::uint16_t port = 0;
  {
    server s([](const request&) { return reply{}; });
    port = s.port();
  }
  const auto got = fetch(get("http://user:pw@127.0.0.1:" + std::to_string(port) + "/?apikey=hidden&q=shown"));
  REQUIRE_FALSE(got);
  const auto text = got.error().to_string();
  INFO(text);
  CHECK(got.error().code == errc::network);
  CHECK(text.find("Failed to connect") != std::string::npos);
  CHECK(text.find("hidden") == std::string::npos);
  CHECK(text.find("pw") == std::string::npos);
  CHECK(text.find("q=shown") != std::string::npos);

  const auto unknown = fetch(get("http://no-such-host.invalid/"));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == errc::network);
  CHECK(unknown.error().why.find("no-such-host.invalid") != std::string::npos);
  for (const auto* bad : {"ftp://example.com/", "http://", "nonsense", "file:///etc/passwd"}) {
    const auto refused = fetch(get(bad));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::malformed);
  }
}

TEST_CASE_METHOD(http_fixture, "a body can be streamed, and refused") {
  server s([](const request&) {
    reply r;
    r.body = std::string(100'000, 'y');
    r.drip_bytes = 10'000;
    r.drip_every = 1ms;
    return r;
  });
  std::string collected;
  auto r = get(s.at("/"));
  r.on_body = [&](std::string_view piece) -> result<void> {
    collected += piece;
    return {};
  };
  const auto got = fetch(r);
  REQUIRE(got);
  CHECK(got->body.empty());
  CHECK(collected == std::string(100'000, 'y'));

  int calls = 0;
  r.on_body = [&](std::string_view) -> result<void> {
    ++calls;
    return error{errc::disk_full, "cannot store", {}, {}, {}};
  };
  const auto stopped = fetch(r);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == errc::disk_full);
  CHECK(calls == 1);
}

TEST_CASE_METHOD(http_fixture, "a download resumes by range, and shows when the server does not") {
  const std::string whole = "0123456789";
  server s([&](const request& q) {
    reply r;
    r.body = whole;
    if (const auto range = q.header("range"); range && q.target == "/ranges") {
      r.status = 206;
      r.body = whole.substr(std::stoul(range->substr(6)));
    }
    return r;
  });
  auto r = get(s.at("/ranges"));
  r.resume_from = 4;
  auto got = fetch(r);
  REQUIRE(got);
  CHECK(got->status == 206);
  CHECK(got->body == "456789");
  CHECK(s.requests().back().header("range").value() == "bytes=4-");
  CHECK(s.requests().back().header("accept-encoding").value() == "identity");
  r.url = s.at("/whole");
  got = fetch(r);
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->body == whole);
  std::string appended;
  r.on_body = [&](std::string_view piece) -> result<void> {
    appended += piece;
    return {};
  };
  got = fetch(r);
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(appended.empty());
  r.url = s.at("/ranges");
  REQUIRE(fetch(r));
  CHECK(appended == "456789");
}

TEST_CASE_METHOD(http_fixture, "the page of an error is not streamed into a download") {
  server s([](const request&) {
    reply r;
    r.status = 503;
    r.body = "try later";
    return r;
  });
  auto r = get(s.at("/"));
  r.on_body = [](std::string_view) -> result<void> { return error{errc::internal, "called", {}, {}, {}}; };
  const auto got = fetch(r);
  REQUIRE(got);
  CHECK(got->status == 503);
  CHECK(got->body == "try later");
}

TEST_CASE_METHOD(http_fixture, "connections are kept and used again") {
  server s([](const request&) { return reply{}; });
  for (int i = 0; i < 5; ++i) REQUIRE(fetch(get(s.at("/"))));
  CHECK(s.connections() == 1);
  CHECK(s.requests().size() == 5);
}

TEST_CASE_METHOD(http_fixture, "200 requests in parallel share the permitted connections") {
  server s([](const request& q) {
    reply r;
    r.body = q.target;
    r.delay = 5ms;
    return r;
  });
  int right = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string path = "/" + std::to_string(i);
    boost::asio::co_spawn(loop, client.fetch(get(s.at(path))),
                          [&right, path](const std::exception_ptr& e, const result<http_response>& got) {
                            if (!e && got && got->body == path) ++right;
                          });
  }
  loop.run();
  CHECK(right == 200);
  CHECK(s.connections() <= 8);
}

TEST_CASE_METHOD(http_fixture, "a jar keeps cookies for its own requests") {
  server s([](const request& q) {
    reply r;
    if (q.target == "/set") r.headers = {{"Set-Cookie", "session=abc; Path=/"}};
    return r;
  });
  auto r = get(s.at("/set"));
  r.cookies = make_cookie_jar();
  REQUIRE(fetch(r));
  r.url = s.at("/see");
  r.headers = {{"Cookie", "consent=yes"}};
  REQUIRE(fetch(r));
  const auto sent = s.requests().back().header("cookie").value();
  CHECK(sent.find("session=abc") != std::string::npos);
  CHECK(sent.find("consent=yes") != std::string::npos);
  r.url = s.at("/see", "localhost");  // another host
  r.headers = {};
  REQUIRE(fetch(r));
  CHECK_FALSE(s.requests().back().header("cookie"));
  REQUIRE(fetch(get(s.at("/see"))));  // no jar
  CHECK_FALSE(s.requests().back().header("cookie"));
}
