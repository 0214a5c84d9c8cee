#include "scrape/sitemap_walk.hpp"

#include <algorithm>
#include <set>

#include "tests/unit/scrape/shop_fixture.hpp"

using namespace catwalk;
using catwalk::testing::shop_fixture;

namespace {

namespace asio = boost::asio;

struct walk_fixture : shop_fixture {
  static std::string index(const server& s, std::initializer_list<const char*> paths) {
    std::string text = "<sitemapindex>";
    for (const char* path : paths) text += "<sitemap><loc>" + s.at(path) + "</loc></sitemap>";
    return text + "</sitemapindex>";
  }
  static std::string urls(int from, int count) {
    std::string text = "<urlset>";
    for (int i = from; i < from + count; ++i)
      text += "<url><loc>https://shop.example/p/" + std::to_string(i) + "</loc></url>";
    return text + "</urlset>";
  }

  struct walked {
    std::vector<std::string> urls;
    std::size_t largest_batch = 0;
    std::vector<error> failures;
  };

  walked walk(const std::string& address, std::vector<std::string> contains = {}) {
    site.respect_robots = false;
    scrape::fetcher pages(loop.get_executor(), client, robots, lane());
    const scrape::source_context context{site, settings, pages, cpu.get_executor(), make_cookie_jar()};
    const scrape::site_requests requests(context, {});
    scrape::sitemap_walk sitemaps(context, requests, address, std::move(contains));
    const auto all = [](scrape::sitemap_walk& from) -> asio::awaitable<walked> {
      walked out;
      for (;;) {
        const auto some = co_await from.next();
        if (some.has_error()) out.failures.push_back(some.error());
        if (some.has_error() || !*some) break;
        out.largest_batch = std::max(out.largest_batch, (*some)->size());
        for (const auto& entry : **some) out.urls.push_back(entry.url);
      }
      co_return out;
    };
    walked out = run(all(sitemaps));
    out.failures.insert(out.failures.end(), sitemaps.failures().begin(), sitemaps.failures().end());
    return out;
  }
  config::site site;
  config::fetch_settings settings;
};

}  // namespace

TEST_CASE_METHOD(walk_fixture, "an index is walked in its order, a sitemap that points at itself once") {
  std::unique_ptr<server> shop;
  shop = std::make_unique<server>([&](const request& r) {
    reply answer;
    if (r.target == "/index.xml")
      answer.body = index(*shop, {"/a.xml", "/index.xml", "/deeper.xml", "/a.xml"});
    if (r.target == "/deeper.xml") answer.body = index(*shop, {"/b.xml", "/index.xml"});
    if (r.target == "/a.xml") answer.body = urls(1, 2);
    if (r.target == "/b.xml") answer.body = urls(10, 1);
    return answer;
  });
  const auto got = walk(shop->at("/index.xml"));
  CHECK(got.urls == std::vector<std::string>{"https://shop.example/p/1", "https://shop.example/p/2",
                                             "https://shop.example/p/10"});
  CHECK(got.failures.empty());
  CHECK(shop->requests().size() == 4);
  CHECK(walk(shop->at("/index.xml"), {"/p/10", "/q/"}).urls ==
        std::vector<std::string>{"https://shop.example/p/10"});
}

TEST_CASE_METHOD(walk_fixture, "what cannot be read is said, and the rest goes on") {
  std::unique_ptr<server> shop;
  shop = std::make_unique<server>([&](const request& r) {
    reply answer;
    if (r.target == "/1.xml") answer.body = index(*shop, {"/gone.xml", "/html.xml", "/cut.xml", "/2.xml"});
    if (r.target == "/2.xml") answer.body = index(*shop, {"/3.xml"});
    if (r.target == "/3.xml") answer.body = index(*shop, {"/4.xml"});
    if (r.target == "/gone.xml") answer.status = 404;
    if (r.target == "/html.xml") answer.body = "<html><br></html>";
    if (r.target == "/cut.xml") answer.body = urls(1, 3).substr(0, 120);
    return answer;
  });
  const auto got = walk(shop->at("/1.xml"));
  CHECK(got.urls.size() == 2);
  REQUIRE(got.failures.size() == 4);
  CHECK(got.failures[0].http_status == 404);
  CHECK(got.failures[1].to_string().find("an HTML page") != std::string::npos);
  CHECK(got.failures[2].code == errc::malformed);
  CHECK(got.failures[3].to_string().find("more than 3 levels") != std::string::npos);
}

TEST_CASE_METHOD(walk_fixture, "50,000 addresses come in batches") {
  server s([](const request&) {
    reply answer;
    answer.body = urls(1, 50'000);
    return answer;
  });
  const auto got = walk(s.at("/sitemap.xml"));
  CHECK(got.failures.empty());
  CHECK(got.urls.size() == 50'000);
  CHECK(std::set<std::string>(got.urls.begin(), got.urls.end()).size() == 50'000);
  CHECK(got.largest_batch == scrape::sitemap_walk::batch);
}
