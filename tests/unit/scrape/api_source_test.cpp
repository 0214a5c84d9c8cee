#include <algorithm>
#include <boost/asio/steady_timer.hpp>

#include "core/task_group.hpp"
#include "scrape/api_reader.hpp"
#include "tests/unit/scrape/shop_fixture.hpp"

using namespace catwalk;
using namespace std::chrono_literals;
using catwalk::testing::recording_sink;
using catwalk::testing::shop_fixture;
using nlohmann::json;
using scrape::endpoint_outcome;

namespace {

config::located_text at(std::string text, int line = 1) {
  return {std::move(text), {"sites.yaml", line, 10}};
}

json item(int id, int price = 1990) {
  return {{"id", id},
          {"name", "Coat " + std::to_string(id)},
          {"price", price},
          {"img", "/i/" + std::to_string(id) + ".jpg"}};
}

/// `ids` as one answer; `page` 0: without paginationInfo.
std::string answer(const std::vector<int>& ids, int page = 0, bool last = true) {
  json document{{"items", json::array()}};
  for (const int id : ids) document["items"].push_back(item(id));
  if (page > 0) document["paginationInfo"] = {{"page", page}, {"isLastPage", last}};
  return document.dump();
}

struct source_fixture : shop_fixture {
  source_fixture() {
    site.name = site.brand = "Shop";
    site.source = "scraper";
    site.respect_robots = false;
    site.api.emplace();
    site.api->items_path = {at("products[]"), at("items[]")};
    site.api->field_map = {{"external_id", {at("id")}}, {"title", {at("title"), at("name")}},
                           {"price", {at("price")}},    {"currency", {at("'USD'")}},
                           {"image_url", {at("img")}},  {"product_url", {}}};
  }
  result<std::vector<endpoint_outcome>> read(recording_sink& sink) {
    scrape::fetcher pages(loop.get_executor(), client, robots, lane());
    auto source = scrape::make_source({site, settings, pages, cpu.get_executor(), make_cookie_jar()});
    REQUIRE(source);
    return run((*source)->read(sink));
  }
  void add_endpoint(std::string address) { site.api->endpoints.push_back(at(std::move(address))); }
  static std::vector<std::string> targets(const server& s) {
    std::vector<std::string> list;
    for (const auto& r : s.requests()) list.push_back(r.target);
    return list;
  }

  config::site site;
  config::fetch_settings settings;
};

shop_fixture::reply ok(std::string body, std::vector<std::pair<std::string, std::string>> headers = {}) {
  shop_fixture::reply r;
  r.headers = std::move(headers);
  r.body = std::move(body);
  return r;
}

shop_fixture::reply status(int code) {
  shop_fixture::reply r;
  r.status = code;
  return r;
}

}  // namespace

TEST_CASE_METHOD(source_fixture,
                 "endpoints are read in order, with the site's headers, parameters and cookies") {
  server s([](const request& r) {
    if (r.target == "/warm") return ok("hello", {{"Set-Cookie", "visit=1; Path=/"}});
    return ok(answer(r.target.starts_with("/a") ? std::vector{1, 2} : std::vector{3}));
  });
  site.api->prewarm.push_back(at(s.at("/warm")));
  site.api->headers = {{"X-Shop", "yes"}, {"accept", "text/x"}};
  site.api->params = {{"ajax", "true"}, {"q", "a b"}};
  add_endpoint(s.at("/a?x=1"));
  add_endpoint(s.at("/b"));
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  REQUIRE(outcomes->size() == 2);
  CHECK(outcomes->at(0).complete);
  CHECK(outcomes->at(1).complete);
  CHECK(outcomes->at(1).endpoint_index == 1);
  CHECK(targets(s) == std::vector<std::string>{"/warm", "/a?x=1&ajax=true&q=a%20b", "/b?ajax=true&q=a%20b"});
  const auto asked = s.requests().at(1);
  CHECK(asked.header("cookie") == "visit=1");
  CHECK(asked.header("x-shop") == "yes");
  CHECK(asked.header("accept") == "text/x");
  CHECK(asked.header("user-agent") == settings.user_agent);
  REQUIRE(sink.pages.size() == 2);
  REQUIRE(sink.pages[0].products.size() == 2);
  CHECK(sink.pages[0].endpoint == s.at("/a?x=1"));
  CHECK(sink.pages[0].products[1].title == "Coat 2");
  CHECK(sink.pages[0].products[1].image_url == s.at("/i/2.jpg"));
  CHECK(sink.pages[1].products[0].endpoint_index == 1);
}

TEST_CASE_METHOD(source_fixture, "pages are asked for until the last, or until one brings nothing new") {
  server s([](const request& r) {
    if (r.target == "/a") return ok(answer({1, 2}, 1, false));
    if (r.target == "/a?page=2") return ok(answer({3, 4}, 2, false));
    if (r.target == "/a?page=3") return ok(answer({5}, 3, true));
    return ok(answer({7}, 1, false));  // always the same page, and never the last
  });
  add_endpoint(s.at("/a"));
  add_endpoint(s.at("/b"));
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  CHECK(outcomes->at(0).complete);
  CHECK(outcomes->at(1).complete);
  CHECK(targets(s) == std::vector<std::string>{"/a", "/a?page=2", "/a?page=3", "/b", "/b?page=2"});
  CHECK(sink.count == 6);
  CHECK(sink.pages.size() == 4);
}

TEST_CASE_METHOD(source_fixture, "an unchanged catalogue costs requests alone, and all its pages") {
  bool changed = false;
  server s([&](const request& r) {
    if (r.target == "/single") {
      if (r.header("if-none-match") == "\"v1\"") return status(304);
      return ok(answer({9}), {{"ETag", "\"v1\""}, {"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"}});
    }
    if (r.target == "/a") return ok(answer({1, 2}, 1, false), {{"ETag", "\"p1\""}});
    return ok(answer({3, changed ? 5 : 4}, 2, true));
  });
  add_endpoint(s.at("/a"));
  add_endpoint(s.at("/single"));
  recording_sink sink;
  REQUIRE(read(sink));
  CHECK(sink.count == 5);
  sink.pages.clear();
  const auto again = read(sink);
  REQUIRE(again);
  CHECK(std::all_of(again->begin(), again->end(), [](const auto& o) { return o.complete; }));
  REQUIRE(sink.pages.size() == 3);
  for (const auto& page : sink.pages) {
    CHECK(page.unchanged);
    CHECK(page.products.empty());
  }
  // A page with pages after it was asked for whole: a 304 would hide what follows.
  CHECK_FALSE(s.requests().at(3).header("if-none-match"));
  CHECK(s.requests().at(5).header("if-none-match") == "\"v1\"");
  CHECK(s.requests().at(5).header("if-modified-since") == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(sink.pages[2].validators.etag == "\"v1\"");
  sink.pages.clear();
  changed = true;
  REQUIRE(read(sink));
  CHECK(sink.pages.at(0).unchanged);
  CHECK_FALSE(sink.pages.at(1).unchanged);
  CHECK(sink.pages.at(1).products.size() == 2);
}

TEST_CASE_METHOD(source_fixture, "an endpoint that fails is incomplete, and the others go on") {
  server s([](const request& r) {
    if (r.target == "/html") return ok("<html><head><title>Sorry</title></head></html>");
    if (r.target == "/missing") return status(404);
    if (r.target == "/other") return ok(R"({"data":{"list":[]},"error":null})");
    if (r.target == "/deep") return ok(std::string(100'000, '['));
    if (r.target == "/half") return ok(answer({1}, 1, false));
    if (r.target == "/half?page=2") return ok("{");
    return ok(answer({}));
  });
  for (const auto* path : {"/html", "/missing", "/other", "/deep", "/half", "/empty"})
    add_endpoint(s.at(path));
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  const auto why = [&](std::size_t i) {
    CHECK_FALSE(outcomes->at(i).complete);
    REQUIRE(outcomes->at(i).failure);
    return outcomes->at(i).failure->to_string();
  };
  CHECK(why(0).find("an HTML page titled \"Sorry\"") != std::string::npos);
  CHECK(outcomes->at(0).failure->code == errc::malformed);
  CHECK(why(1).find("404") != std::string::npos);
  CHECK(outcomes->at(1).failure->http_status == 404);
  CHECK(why(2).find("an object with data, error") != std::string::npos);
  CHECK(outcomes->at(3).failure->code == errc::too_large);
  CHECK(why(4).find("breaks off") != std::string::npos);
  CHECK(outcomes->at(5).complete);
  CHECK_FALSE(outcomes->at(5).failure);
  CHECK(sink.count == 1);
}

TEST_CASE_METHOD(source_fixture, "three refusals in a row end the run") {
  int good = 0;
  server s([&](const request& r) { return r.target == "/good" ? (++good, ok(answer({1}))) : status(403); });
  for (const auto* path : {"/a", "/b", "/good", "/c", "/d", "/e", "/never"}) add_endpoint(s.at(path));
  recording_sink sink;
  const auto ended = read(sink);
  REQUIRE(ended.has_error());
  CHECK(ended.error().code == errc::blocked);
  CHECK(ended.error().to_string().find("3 refusals in a row") != std::string::npos);
  CHECK(good == 1);
  CHECK(targets(s).back() == "/e");
}

TEST_CASE_METHOD(source_fixture, "the limit ends the source, with its endpoints incomplete") {
  server s([](const request& r) {
    const int page = r.target == "/a" ? 1 : r.target.back() - '0';
    return ok(answer({page * 10, page * 10 + 1}, page, false));
  });
  add_endpoint(s.at("/a"));
  add_endpoint(s.at("/b"));
  recording_sink sink;
  sink.limit = 4;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  REQUIRE(outcomes->size() == 2);
  for (const auto& outcome : *outcomes) {
    CHECK_FALSE(outcome.complete);
    CHECK_FALSE(outcome.failure);
  }
  CHECK(targets(s).size() == 2);
}

TEST_CASE_METHOD(source_fixture, "a sink that fails ends the run with its error") {
  server s([](const request&) { return ok(answer({1})); });
  add_endpoint(s.at("/a"));
  recording_sink sink;
  sink.failure = error{errc::disk_full, "cannot commit", "", "", ""};
  CHECK(read(sink).error().code == errc::disk_full);
}

TEST_CASE_METHOD(source_fixture, "a repeated product is one, and skipped items say why") {
  server s([](const request&) {
    json list = json::array({item(1), item(2), item(1, 2990)});
    list.push_back({{"id", 3}, {"name", "No image"}, {"price", 5}});
    list.push_back({{"banner", true}});
    list.push_back("text");
    return ok(json{{"products", list}}.dump());
  });
  add_endpoint(s.at("/a"));
  recording_sink sink;
  REQUIRE(read(sink));
  const auto& page = sink.pages.at(0);
  REQUIRE(page.products.size() == 2);
  CHECK(page.products[0].external_id == "1");
  CHECK(page.products[0].price == "29.9USD");
  REQUIRE(page.skipped.size() == 3);
  CHECK(page.skipped[0].reason == "no image");
  CHECK(page.skipped[0].item == "3 (No image)");
  CHECK(page.skipped[1].reason == "no id");
  CHECK(page.skipped[1].item == "item 5");
}

TEST_CASE_METHOD(source_fixture, "a listing whose items are all skipped is incomplete and says why") {
  server s([](const request& r) {
    json list = json::array({item(1), item(2), item(3)});
    for (auto& one : list) one.erase("price");
    if (r.target == "/mixed") list.push_back(item(4));
    if (r.target == "/two") list[0].erase("img");
    return ok(json{{"products", list}}.dump());
  });
  for (const char* path : {"/a", "/mixed", "/two"}) add_endpoint(s.at(path));
  recording_sink sink;
  for (const bool unchanged : {false, true}) {
    sink.pages.clear();
    const auto outcomes = read(sink).value();
    REQUIRE(outcomes.size() == 3);
    CHECK_FALSE(outcomes[0].complete);
    CHECK(outcomes[0].failure.value().what == "every item of the listing was skipped");
    CHECK(outcomes[0].failure->why == "no price (3)");
    CHECK(outcomes[1].complete);
    CHECK(sink.pages[1].unchanged == unchanged);
    CHECK(sink.pages[1].skipped.size() == 3);
    CHECK_FALSE(outcomes[2].complete);
    CHECK(outcomes[2].failure.value().why == "no image (1), no price (2)");
  }
}

TEST_CASE_METHOD(source_fixture, "cancelling ends the source") {
  server s([](const request&) {
    auto r = ok(answer({1}));
    r.delay = 3s;
    return r;
  });
  add_endpoint(s.at("/a"));
  recording_sink sink;
  scrape::fetcher pages(loop.get_executor(), client, robots, lane());
  auto source = scrape::make_source({site, settings, pages, cpu.get_executor(), make_cookie_jar()}).value();
  std::optional<errc> end;
  const auto task = [](scrape::source& from, recording_sink& to,
                       std::optional<errc>& code) -> boost::asio::awaitable<void> {
    const auto got = co_await from.read(to);
    code = got ? errc::internal : got.error().code;
  };
  task_group group(loop.get_executor());
  group.spawn("read", task(*source, sink, end));
  boost::asio::steady_timer soon(loop, 50ms);
  soon.async_wait([&](auto) { group.cancel(); });
  const auto joined = [](task_group& g) -> boost::asio::awaitable<bool> {
    co_await g.join();
    co_return true;
  };
  CHECK(run(joined(group)));
  CHECK(end == errc::cancelled);
}

TEST_CASE_METHOD(source_fixture,
                 "fallback_html is read once where an endpoint gives nothing, which stays incomplete") {
  server s([](const request& r) {
    if (r.target == "/empty") return ok(answer({}));
    if (r.target == "/page") return ok("<a class=p href=/p/1>One</a>");
    if (r.target == "/p/1")
      return ok("<h1>Coat</h1><b class=price>5</b><img src=/1.jpg>", {{"Content-Type", "text/html"}});
    return ok("no");
  });
  auto& fallback = site.api->fallback_html.emplace();
  fallback.category_urls.push_back(at(s.at("/page")));
  fallback.product_link_selector = at("a.p");
  fallback.product_selectors = {{"title", at("h1")}, {"price", at(".price")}, {"image", at("img")}};
  site.currency = "EUR";
  add_endpoint(s.at("/empty"));
  add_endpoint(s.at("/text"));
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  REQUIRE(outcomes->size() == 2);
  for (const auto& outcome : *outcomes) {
    CHECK_FALSE(outcome.complete);
    REQUIRE(outcome.failure);
  }
  CHECK(outcomes->at(0).failure->to_string().find("fallback_html were read instead") != std::string::npos);
  CHECK(targets(s) == std::vector<std::string>{"/empty", "/page", "/p/1", "/text"});
  REQUIRE(sink.count == 1);
  const auto& product = sink.pages.back().products.front();
  CHECK(product.title == "Coat");
  CHECK(product.price == "5EUR");
  CHECK(product.external_id == "1");
  CHECK(product.endpoint == s.at("/empty"));
}

TEST_CASE_METHOD(source_fixture, "items_path reads the JSON within a page's scripts") {
  server s([](const request&) {
    return ok("<!doctype html><h1>Shop</h1><script id=__NEXT_DATA__ type='application/json'>" +
                  answer({1, 2}) + "</script>",
              {{"Content-Type", "text/html"}});
  });
  for (config::located_text& path : site.api->items_path) path.text = "__NEXT_DATA__." + path.text;
  add_endpoint(s.at("/shop"));
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  CHECK(outcomes->at(0).complete);
  CHECK(sink.count == 2);
}

TEST_CASE_METHOD(source_fixture, "endpoints are discovered in answers and on pages") {
  server s([](const request& r) {
    if (r.target == "/categories")
      return r.header("x-menu") == "1" ? ok(R"({"menu": [{"url": "/a"}, {"url": "/b"}]})") : status(400);
    if (r.target == "/nav") return ok("<a href='/c-l7.html'>C</a><a href='/about'>About</a>");
    if (r.target == "/gone") return status(404);
    return ok(answer({r.target == "/a" ? 1 : r.target == "/b" ? 2 : 3}));
  });
  auto& discovery = site.api->discover_categories.emplace();
  discovery.endpoint = at(s.at("/categories"));
  discovery.items_path = {at("menu[]")};
  discovery.url_path = at("url");
  discovery.headers = {{"X-Menu", "1"}};
  auto& pages = site.api->discover_categories_html.emplace();
  pages.category_pages = {at(s.at("/nav")), at(s.at("/gone"))};
  pages.link_href_filter = "-l";
  add_endpoint(s.at("/b"));
  CHECK(scrape::check_site(site).empty());
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  CHECK(targets(s) ==
        std::vector<std::string>{"/categories", "/nav", "/gone", "/b", "/a", "/c-l7.html?ajax=true"});
  REQUIRE(outcomes->size() == 4);
  CHECK(outcomes->at(2).complete);
  CHECK(outcomes->at(2).endpoint == s.at("/c-l7.html?ajax=true"));
  CHECK_FALSE(outcomes->at(3).complete);
  CHECK(outcomes->at(3).endpoint == s.at("/gone"));
  CHECK(outcomes->at(3).endpoint_index == 3);
  CHECK(sink.count == 3);
}

TEST_CASE_METHOD(source_fixture, "an expression that does not parse is refused with its place") {
  add_endpoint("https://shop.example/a");
  scrape::fetcher pages(loop.get_executor(), client, robots, lane());
  const auto refused = [&](const config::site& of) {
    const auto made = scrape::make_source({of, settings, pages, cpu.get_executor(), nullptr});
    REQUIRE(made.has_error());
    CHECK(made.error().code == errc::invalid_config);
    return made.error().to_string();
  };
  auto other = site;
  other.api->field_map[1].second = {at("items[", 7)};
  CHECK(refused(other).find("sites.yaml:7:10") != std::string::npos);
}

TEST_CASE_METHOD(source_fixture, "check names every expression that does not parse, with its place") {
  add_endpoint("https://shop.example/a");
  CHECK(scrape::check_site(site).empty());
  site.api->items_path.push_back(at("a.b[?", 3));
  site.api->field_map.push_back({"size", {at("sizes[].name", 8), at("foo(@)", 9)}});
  const auto found = scrape::check_site(site);
  REQUIRE(found.size() == 2);
  CHECK(config::to_string(found[0]).starts_with("sites.yaml:3:15: api.items_path: syntax at character 6"));
  CHECK(config::to_string(found[1]).find("sites.yaml:9:10: api.field_map.size: unknown-function") == 0);
  site.api->field_map.clear();
  CHECK(config::has_errors(scrape::check_site(site)));
}
