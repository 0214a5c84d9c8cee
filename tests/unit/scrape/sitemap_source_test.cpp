#include <algorithm>

#include "scrape/lastmod.hpp"
#include "tests/unit/scrape/shop_fixture.hpp"

using namespace catwalk;
using catwalk::testing::recording_sink;
using catwalk::testing::shop_fixture;

namespace {

struct sitemap_fixture : shop_fixture {
  sitemap_fixture() {
    site.name = site.brand = "Shop";
    site.source = "scraper";
    site.respect_robots = false;
  }
  static std::string page(const std::string& id) {
    return R"(<html><head><title>Coat</title><script type="application/ld+json">{"@type":"Product","name":"Coat )" +
           id + R"(","sku":")" + id + R"(","image":"/i/)" + id +
           R"(.jpg","offers":{"@type":"Offer","price":"49.90","priceCurrency":"EUR"}}</script></head><body></body></html>)";
  }
  /// /sitemap.xml lists /p/1 to /p/4 and a page of another kind; `missing` is 404.
  reply answer(const server& s, const request& r) const {
    reply out;
    if (r.target == "/sitemap.xml") {
      out.body = "<urlset><url><loc>" + s.at("/about") + "</loc></url>";
      for (const char* id : {"1", "2", "3", "4"})
        out.body += "<url><loc>" + s.at("/p/") + id + "</loc><lastmod>" + lastmod + "</lastmod></url>";
      out.body += "</urlset>";
    } else if (r.target == missing) {
      out.status = 404;
    } else if (r.target == refused) {
      out.status = 500;
    } else if (r.target.starts_with("/p/")) {
      if (r.header("if-none-match") == "\"v\"") {
        out.status = 304;
        return out;
      }
      out.headers = {{"ETag", "\"v\""}, {"Content-Type", "text/html; charset=utf-8"}};
      out.body = page(r.target.substr(3));
    } else {
      out.status = 410;
    }
    return out;
  }
  result<std::vector<scrape::endpoint_outcome>> read(recording_sink& sink) {
    scrape::fetcher pages(loop.get_executor(), client, robots, lane());
    auto source = scrape::make_source({site, settings, pages, cpu.get_executor(), make_cookie_jar()});
    REQUIRE(source);
    return run((*source)->read(sink));
  }
  config::site site;
  config::fetch_settings settings;
  std::string missing = "/none", refused = "/none", lastmod;
};

}  // namespace

TEST_CASE_METHOD(sitemap_fixture,
                 "the product pages of a sitemap are read, and asked for by validators again") {
  std::unique_ptr<server> shop;
  shop = std::make_unique<server>([&](const request& r) { return answer(*shop, r); });
  site.sitemap.emplace();
  site.sitemap->urls.push_back({shop->at("/sitemap.xml"), {}});
  site.sitemap->url_contains = {"/p/"};
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  REQUIRE(outcomes->size() == 1);
  CHECK(outcomes->at(0).complete);
  REQUIRE(sink.pages.size() == 4);
  const product& one = sink.pages[0].products.at(0);
  CHECK(one.external_id == "1");
  CHECK(one.title == "Coat 1");
  CHECK(one.price == "49.90EUR");
  CHECK(one.image_url == shop->at("/i/1.jpg"));
  CHECK(one.product_url == shop->at("/p/1"));
  CHECK(sink.pages[0].endpoint == shop->at("/sitemap.xml"));
  sink.pages.clear();
  REQUIRE(read(sink));
  REQUIRE(sink.pages.size() == 4);
  CHECK(std::all_of(sink.pages.begin(), sink.pages.end(), [](const auto& p) { return p.unchanged; }));
}

TEST_CASE_METHOD(sitemap_fixture, "a page that a sitemap lists in several spellings is read once") {
  std::unique_ptr<server> shop;
  shop = std::make_unique<server>([&](const request& r) {
    if (r.target != "/sitemap.xml") return answer(*shop, r);
    reply out;
    out.body = "<urlset>";
    for (const char* path :
         {"/p/1", "/p/2?utm_source=feed", "/p/1?utm_source=feed", "/p/2#sizes", "/p/1?size=m"})
      out.body += "<url><loc>" + shop->at(path) + "</loc></url>";
    out.body += "</urlset>";
    return out;
  });
  site.sitemap.emplace();
  site.sitemap->urls.push_back({shop->at("/sitemap.xml"), {}});
  recording_sink sink;
  REQUIRE(read(sink));
  std::vector<std::string> urls;
  for (const auto& page : sink.pages) urls.push_back(page.url);
  CHECK(urls == std::vector<std::string>{shop->at("/p/1"), shop->at("/p/2?utm_source=feed"),
                                         shop->at("/p/1?size=m")});
}

TEST_CASE_METHOD(sitemap_fixture, "pages that gave nothing but skipped items go on being doubted unchanged") {
  std::unique_ptr<server> shop;
  shop = std::make_unique<server>([&](const request& r) {
    reply out = answer(*shop, r);
    if (const auto at = out.body.find("\"sku\""); at != std::string::npos) out.body.erase(at, 10);
    if (const auto at = out.body.find("\"price\""); at != std::string::npos) out.body.erase(at, 16);
    return out;
  });
  site.sitemap.emplace();
  site.sitemap->urls.push_back({shop->at("/sitemap.xml"), {}});
  site.sitemap->url_contains = {"/p/"};
  recording_sink sink;
  for (const bool unchanged : {false, true}) {
    sink.pages.clear();
    const auto outcomes = read(sink);
    REQUIRE(outcomes);
    REQUIRE(sink.pages.size() == 4);
    CHECK(sink.pages[0].unchanged == unchanged);
    CHECK(sink.pages[0].skipped.size() == 1);
    CHECK_FALSE(outcomes->at(0).complete);
    CHECK(outcomes->at(0).failure.value().why == "no price (4)");
  }
}

TEST_CASE_METHOD(sitemap_fixture,
                 "a page in another encoding than it says costs its letters, not its product") {
  std::unique_ptr<server> shop;
  shop = std::make_unique<server>([&](const request& r) {
    reply out = answer(*shop, r);
    if (!r.target.starts_with("/p/")) return out;
    const bool declared = r.target == "/p/2" || r.target == "/p/3";
    const std::string charset = r.target == "/p/3" ? "windows-1252" : "utf-8";
    out.headers = {{"Content-Type", declared ? "text/html; charset=" + charset : "text/html"}};
    const std::string name = r.target == "/p/1" ? "Caf\xC3\xA9 " : "Caf\xE9 ";
    out.body.replace(out.body.find("\"Coat ") + 1, 5, name);
    return out;
  });
  site.sitemap.emplace();
  site.sitemap->urls.push_back({shop->at("/sitemap.xml"), {}});
  site.sitemap->url_contains = {"/p/"};
  recording_sink sink;
  REQUIRE(read(sink));
  REQUIRE(sink.pages.size() == 4);
  const auto title = [&](std::size_t page) { return sink.pages[page].products.at(0).title; };
  CHECK(title(0) == "Caf\u00e9 1");
  CHECK(title(1) == "Caf\uFFFD 2");
  CHECK(title(2) == "Caf\u00e9 3");
  CHECK(title(3) == "Caf\u00e9 4");
}

TEST_CASE_METHOD(sitemap_fixture, "each file of a sitemap that cannot be read is named, up to five") {
  std::unique_ptr<server> shop;
  int bad = 7;
  shop = std::make_unique<server>([&](const request& r) {
    if (r.target != "/index.xml") return answer(*shop, r);
    reply index;
    index.body = "<sitemapindex><sitemap><loc>" + shop->at("/sitemap.xml") + "</loc></sitemap>";
    for (int i = 1; i <= bad; ++i)
      index.body += "<sitemap><loc>" + shop->at("/bad" + std::to_string(i)) + "</loc></sitemap>";
    index.body += "</sitemapindex>";
    return index;
  });
  site.sitemap.emplace();
  site.sitemap->urls.push_back({shop->at("/index.xml"), {}});
  site.sitemap->url_contains = {"/p/"};
  const auto said = [&] {
    recording_sink sink;
    const auto outcomes = read(sink);
    REQUIRE(outcomes);
    CHECK(sink.pages.size() == 4);
    CHECK_FALSE(outcomes->at(0).complete);
    REQUIRE(outcomes->at(0).failure);
    return outcomes->at(0).failure->to_string();
  };
  const std::string seven = said();
  INFO(seven);
  CHECK(seven.find("7 files of the sitemap were not read whole: " + shop->at("/index.xml")) == 0);
  for (int i = 1; i <= 5; ++i) CHECK(seven.find("/bad" + std::to_string(i)) != std::string::npos);
  CHECK(seven.find("/bad6") == std::string::npos);
  CHECK(seven.find("; and 2 more") != std::string::npos);
  bad = 1;
  CHECK(said().find("cannot read the sitemap: " + shop->at("/bad1")) == 0);
}

TEST_CASE_METHOD(sitemap_fixture,
                 "pages that the sitemap says are unchanged are not asked for, and are seen") {
  std::unique_ptr<server> shop;
  int product_pages = 0;
  shop = std::make_unique<server>([&](const request& r) {
    product_pages += r.target.starts_with("/p/") ? 1 : 0;
    return answer(*shop, r);
  });
  site.sitemap.emplace();
  site.sitemap->urls.push_back({shop->at("/sitemap.xml"), {}});
  site.sitemap->url_contains = {"/p/"};
  lastmod = "2026-01-02";
  recording_sink sink;
  REQUIRE(read(sink));
  REQUIRE(product_pages == 4);
  for (auto& [url, known] : sink.memory) known.read_at = wall_now() - std::chrono::hours(1);
  sink.pages.clear();
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  CHECK(outcomes->at(0).complete);
  CHECK(product_pages == 4);
  REQUIRE(sink.pages.size() == 4);
  CHECK(std::all_of(sink.pages.begin(), sink.pages.end(), [](const auto& p) {
    return p.unchanged && !p.asked && !p.validators.body_hash.empty();
  }));
  for (auto& [url, known] : sink.memory) known.read_at = wall_now() - scrape::longest_trust_in_lastmod * 2;
  REQUIRE(read(sink));
  CHECK(product_pages == 8);
}

TEST_CASE_METHOD(sitemap_fixture,
                 "a page that is gone is no failure, one that fails leaves the sitemap incomplete") {
  std::unique_ptr<server> shop;
  shop = std::make_unique<server>([&](const request& r) { return answer(*shop, r); });
  site.html.emplace();
  site.html->sitemaps.push_back({shop->at("/sitemap.xml"), {}});
  site.html->sitemap_url_contains = "/p/";
  missing = "/p/2";
  recording_sink sink;
  auto outcomes = read(sink);
  REQUIRE(outcomes);
  CHECK(outcomes->at(0).complete);
  CHECK(sink.count == 3);
  refused = "/p/3";
  recording_sink second;
  outcomes = read(second);
  REQUIRE(outcomes);
  CHECK_FALSE(outcomes->at(0).complete);
  REQUIRE(outcomes->at(0).failure);
  CHECK(outcomes->at(0).failure->http_status == 500);
  CHECK(second.count == 2);
}

TEST_CASE_METHOD(sitemap_fixture, "a sitemap that is none, and a limit, leave it incomplete") {
  std::unique_ptr<server> shop;
  shop = std::make_unique<server>([&](const request& r) { return answer(*shop, r); });
  site.sitemap.emplace();
  site.sitemap->urls = {{shop->at("/p/1"), {}}, {shop->at("/sitemap.xml"), {}}};
  site.sitemap->url_contains = {"/p/"};
  recording_sink sink;
  sink.limit = 2;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  REQUIRE(outcomes->size() == 2);
  CHECK(outcomes->at(0).failure->to_string().find("an HTML page") != std::string::npos);
  CHECK_FALSE(outcomes->at(1).complete);
  CHECK_FALSE(outcomes->at(1).failure);
  CHECK(sink.count == 2);
}
