#include "scrape/fetcher.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/steady_timer.hpp>

#include "core/clock.hpp"
#include "core/task_group.hpp"
#include "core/url.hpp"
#include "scrape/robots_cache.hpp"
#include "tests/unit/scrape/shop_fixture.hpp"

using namespace catwalk;
using namespace std::chrono_literals;
using catwalk::testing::shop_fixture;
using scrape::fetcher;

namespace {

struct fetcher_fixture : shop_fixture {
  fetcher made(fetcher::options options) {
    return fetcher(loop.get_executor(), client, robots, std::move(options),
                   [this](const std::string& site, int status) { seen.emplace_back(site, status); });
  }
  static reply status(int code, std::string body = "",
                      std::vector<std::pair<std::string, std::string>> headers = {}) {
    reply r;
    r.status = code;
    r.body = std::move(body);
    r.headers = std::move(headers);
    return r;
  }
  static int count(const server& s, std::string_view target) {
    int n = 0;
    for (const auto& r : s.requests()) n += r.target == target ? 1 : 0;
    return n;
  }

  std::vector<std::pair<std::string, int>> seen;
};

}  // namespace

TEST_CASE_METHOD(fetcher_fixture, "what passes is tried again, what does not is named") {
  std::atomic<int> calls = 0;
  server s([&](const request& r) {
    if (r.target == "/flaky") return ++calls < 3 ? status(502) : status(200, "there");
    if (r.target == "/gone") return status(410);
    if (r.target == "/secret") return status(401);
    return status(500);
  });
  auto lane = made(this->lane());
  CHECK(fetch(lane, s.at("/flaky")).value().body == "there");
  CHECK(calls == 3);
  CHECK(seen.size() == 3);
  CHECK(fetch(lane, s.at("/gone")).value().status == 410);
  const auto secret = fetch(lane, s.at("/secret"));
  CHECK(secret.error().code == errc::http_status);
  CHECK(secret.error().http_status == 401);
  CHECK(count(s, "/secret") == 1);
  const auto broken = fetch(lane, s.at("/broken"));
  CHECK(broken.error().code == errc::http_status);
  CHECK(broken.error().http_status == 500);
  CHECK(broken.error().to_string().find("tried 3 times") != std::string::npos);
  CHECK(count(s, "/broken") == 3);
}

TEST_CASE_METHOD(fetcher_fixture, "a block is named, with what was seen") {
  server s([&](const request& r) {
    if (r.target == "/page") {
      return status(200, "<html><title>Access Denied</title>Reference #18.ab.12</html>",
                    {{"Content-Type", "text/html"}});
    }
    return status(r.target == "/busy" ? 429 : 403);
  });
  auto lane = made(this->lane());
  const auto page = fetch(lane, s.at("/page"));
  CHECK(page.error().code == errc::blocked);
  CHECK(page.error().to_string().find("Akamai block page, reference 18.ab.12") != std::string::npos);
  const auto refused = fetch(lane, s.at("/refused"));
  CHECK(refused.error().code == errc::blocked);
  CHECK(refused.error().http_status == 403);
  CHECK(count(s, "/refused") == 1);
  auto patient = this->lane();
  patient.max_attempts = 2;
  auto two = made(patient);
  CHECK(fetch(two, s.at("/busy")).error().http_status == 429);
  CHECK(count(s, "/busy") == 2);
}

TEST_CASE_METHOD(fetcher_fixture, "the pause that a server asks for is kept") {
  std::atomic<int> calls = 0;
  server s([&](const request&) {
    return ++calls == 1 ? status(503, "", {{"Retry-After", "1"}}) : status(200);
  });
  auto lane = made(this->lane());
  const auto begun = steady_now();
  CHECK(fetch(lane, s.at("/")));
  CHECK(steady_now() - begun >= 1s);
  std::atomic<int> asked = 0;
  server hour([&](const request&) { return ++asked, status(503, "", {{"Retry-After", "3600"}}); });
  CHECK(fetch(lane, hour.at("/")).error().http_status == 503);
  CHECK(asked == 1);
}

TEST_CASE_METHOD(fetcher_fixture, "a delay keeps requests to one host apart, in their order") {
  server s([&](const request&) { return status(200); });
  auto slow = made(lane(100ms));
  task_group group(loop.get_executor());
  const auto one = [](fetcher& by, std::string url) -> boost::asio::awaitable<void> {
    scrape::fetch_request wanted;
    wanted.http.url = std::move(url);
    wanted.respect_robots = false;
    const auto got = co_await by.fetch(std::move(wanted));
    CHECK(got);
  };
  const auto begun = steady_now();
  for (int i = 0; i < 4; ++i) group.spawn("fetch", one(slow, s.at("/" + std::to_string(i))));
  const auto joined = [](task_group& g) -> boost::asio::awaitable<bool> {
    co_await g.join();
    co_return true;
  };
  CHECK(run(joined(group)));
  CHECK(steady_now() - begun >= 300ms);
  const auto seen_by_server = s.requests();
  REQUIRE(seen_by_server.size() == 4);
  for (int i = 0; i < 4; ++i) CHECK(seen_by_server[i].target == "/" + std::to_string(i));
}

TEST_CASE_METHOD(fetcher_fixture, "robots.txt is asked for once, obeyed, and can be switched off") {
  server s([&](const request& r) {
    if (r.target == "/robots.txt") return status(200, "User-agent: catwalk\nDisallow: /private\n");
    return status(200);
  });
  auto lane = made(this->lane());
  CHECK(fetch(lane, s.at("/open?x=1"), true));
  const auto refused = fetch(lane, s.at("/private/1"), true);
  CHECK(refused.error().code == errc::robots);
  CHECK(refused.error().to_string().find("Disallow: /private") != std::string::npos);
  CHECK(fetch(lane, s.at("/private/1"), false));
  CHECK(count(s, "/robots.txt") == 1);
  CHECK(count(s, "/private/1") == 1);
}

TEST_CASE_METHOD(fetcher_fixture, "a robots.txt that is missing permits, one that fails forbids") {
  server missing([&](const request& r) { return status(r.target == "/robots.txt" ? 404 : 200); });
  auto lane = made(this->lane());
  CHECK(fetch(lane, missing.at("/"), true));
  server failing([&](const request& r) { return status(r.target == "/robots.txt" ? 500 : 200); });
  const auto forbidden = fetch(lane, failing.at("/"), true);
  CHECK(forbidden.error().code == errc::robots);
  CHECK(forbidden.error().to_string().find("answered 500") != std::string::npos);
  CHECK(count(failing, "/robots.txt") == 3);
  CHECK(fetch(lane, failing.at("/again"), true).has_error());
  CHECK(count(failing, "/robots.txt") == 3);
  CHECK(count(failing, "/again") == 0);
  CHECK(fetch(lane, "http://127.0.0.1:1/x", true).error().code == errc::robots);
  std::string address;
  server moved([&](const request& r) {
    if (r.target == "/robots.txt") return status(301, "", {{"Location", address}});
    if (r.target == "/there") return status(200, "User-agent: *\nDisallow: /\n");
    return status(200);
  });
  address = moved.at("/there");
  CHECK(fetch(lane, moved.at("/x"), true).error().code == errc::robots);
}

TEST_CASE_METHOD(fetcher_fixture, "robots.txt is kept for 24 hours") {
  server s([&](const request&) { return status(200, "User-agent: *\nDisallow: /no\n"); });
  steady_time now = steady_now();
  scrape::robots_cache cache(loop.get_executor(), client, "catwalk-test/1", 1ms, [&] { return now; });
  const auto address = parse_url(s.at("/yes")).value();
  const auto asked_after = [&](std::chrono::seconds age) {
    now += age;
    const std::string agent = "catwalk", proxy;
    CHECK(run(cache.check(address, agent, proxy)));
    return count(s, "/robots.txt");
  };
  CHECK(asked_after(0s) == 1);
  CHECK(asked_after(24h - 1s) == 1);
  CHECK(asked_after(1s) == 2);
  CHECK(asked_after(24h - 1s) == 2);
}

TEST_CASE_METHOD(fetcher_fixture, "five redirects of robots.txt are followed, more permit everything") {
  int redirects = 5;
  server s([&](const request& r) {
    const int step = r.target == "/robots.txt" ? 0 : r.target == "/x" ? -1 : std::stoi(r.target.substr(2));
    if (step < 0) return status(200);
    if (step == redirects) return status(200, "User-agent: *\nDisallow: /\n");
    return status(302, "", {{"Location", "/r" + std::to_string(step + 1)}});
  });
  auto lane = made(this->lane());
  CHECK(fetch(lane, s.at("/x"), true).error().code == errc::robots);
  CHECK(count(s, "/r5") == 1);
  redirects = 6;
  robots = std::make_shared<scrape::robots_cache>(loop.get_executor(), client, "catwalk-test/1", 1ms);
  auto anew = made(this->lane());
  CHECK(fetch(anew, s.at("/x"), true));
  CHECK(count(s, "/r6") == 0);
}

TEST_CASE_METHOD(fetcher_fixture, "the delay that robots.txt asks for is kept, and a longer one of ours") {
  server s([&](const request& r) {
    return status(200, r.target == "/robots.txt" ? "User-agent: *\nCrawl-delay: 0.3\n" : "");
  });
  const auto taken = [&](std::chrono::milliseconds ours) {
    auto polite = made(this->lane(ours));
    const auto begun = steady_now();
    for (int i = 0; i < 3; ++i) CHECK(fetch(polite, s.at("/"), true));
    return steady_now() - begun;
  };
  CHECK(taken(0ms) >= 600ms);
  CHECK(taken(450ms) >= 900ms);
}

TEST_CASE_METHOD(fetcher_fixture, "requests that need the same robots.txt share one request for it") {
  server s([&](const request& r) {
    reply answer = status(200, r.target == "/robots.txt" ? "User-agent: *\nDisallow: /no\n" : "");
    if (r.target == "/robots.txt") answer.delay = 100ms;
    return answer;
  });
  const auto address = parse_url(s.at("/yes")).value();
  int permitted = 0;
  const auto ask = [](scrape::robots_cache& cache, url of, int& n) -> boost::asio::awaitable<void> {
    const std::string agent = "catwalk", proxy;
    const auto got = co_await cache.check(of, agent, proxy);
    n += got.has_value() ? 1 : 0;
  };
  task_group group(loop.get_executor());
  for (int i = 0; i < 5; ++i) group.spawn("ask", ask(*robots, address, permitted));
  const auto joined = [](task_group& g) -> boost::asio::awaitable<bool> {
    co_await g.join();
    co_return true;
  };
  CHECK(run(joined(group)));
  CHECK(permitted == 5);
  CHECK(count(s, "/robots.txt") == 1);
}

TEST_CASE_METHOD(fetcher_fixture, "cancelling ends what waits and frees its places") {
  server s([&](const request& r) {
    reply answer = status(200);
    if (r.target == "/slow") answer.delay = 2s;
    return answer;
  });
  auto lane = made(this->lane());
  std::vector<errc> ends;
  const auto one = [](fetcher& by, std::string url, std::vector<errc>& into) -> boost::asio::awaitable<void> {
    scrape::fetch_request wanted;
    wanted.http.url = std::move(url);
    wanted.respect_robots = false;
    const auto got = co_await by.fetch(std::move(wanted));
    into.push_back(got ? errc::internal : got.error().code);
  };
  task_group group(loop.get_executor());
  for (int i = 0; i < 3; ++i) group.spawn("fetch", one(lane, s.at("/slow"), ends));
  boost::asio::steady_timer soon(loop, 100ms);
  soon.async_wait([&](auto) { group.cancel(); });
  const auto joined = [](task_group& g) -> boost::asio::awaitable<bool> {
    co_await g.join();
    co_return true;
  };
  const auto begun = steady_now();
  CHECK(run(joined(group)));
  CHECK(steady_now() - begun < 1500ms);
  CHECK(ends == std::vector<errc>(3, errc::cancelled));
  CHECK(fetch(lane, s.at("/after")).value().status == 200);
}
