#include "scrape/paging.hpp"

#include "tests/unit/scrape/shop_fixture.hpp"

using namespace catwalk;
using catwalk::testing::recording_sink;
using catwalk::testing::shop_fixture;
using nlohmann::json;
using scrape::page_address;

namespace {

config::located_text at(std::string text) {
  return {std::move(text), {"sites.yaml", 3, 7}};
}

struct paged {
  explicit paged(const config::api_source& api) : pages(scrape::paging::compile(api).value()) {}

  /// The address and body after page `number`, which had `items` items and answered `document`; empty: none.
  page_address after(const json& document, const page_address& asked, int number = 1,
                     std::size_t items = 10) {
    const auto next =
        pages.next(document, {"https://s.example", 0, asked, number, (number - 1) * items}, items);
    REQUIRE(next);
    return next->value_or(page_address{});
  }
  std::string url_after(const json& document, const std::string& url, int number = 1,
                        std::size_t items = 10) {
    return after(document, {url, ""}, number, items).url;
  }
  scrape::paging pages;
};

const std::string list = "https://s.example/list?q=1";

}  // namespace

TEST_CASE("pages by number, offset, cursor and link") {
  config::api_source api;
  api.pages.page = "p";
  CHECK(paged(api).pages.first(list).url == list);
  CHECK(paged(api).url_after({}, list) == list + "&p=2");
  CHECK(paged(api).url_after({}, list + "&p=2", 2) == list + "&p=3");
  CHECK(paged(api).url_after({}, list, 1, 0).empty());
  api.pages.first = 0;
  CHECK(paged(api).pages.first(list).url == list + "&p=0");
  CHECK(paged(api).url_after({}, list + "&p=0") == list + "&p=1");

  config::api_source by_offset;
  by_offset.pages.offset = "start";
  CHECK(paged(by_offset).url_after({}, list, 1, 24) == list + "&start=24");
  CHECK(paged(by_offset).url_after({}, list + "&start=24", 2, 24) == list + "&start=48");

  config::api_source by_cursor;
  by_cursor.pages.cursor = at("page.end");
  by_cursor.pages.cursor_parameter = "after";
  CHECK(paged(by_cursor).url_after({{"page", {{"end", "a b"}}}}, list) == list + "&after=a%20b");
  CHECK(paged(by_cursor).url_after({{"page", {{"end", 77}}}}, list) == list + "&after=77");
  CHECK(paged(by_cursor).url_after({{"page", {{"end", nullptr}}}}, list).empty());
  CHECK(paged(by_cursor).url_after({{"page", {{"end", ""}}}}, list).empty());

  config::api_source by_link;
  by_link.pages.next = at("links.next");
  CHECK(paged(by_link).url_after({{"links", {{"next", "/list?q=1&n=2"}}}}, list) ==
        "https://s.example/list?q=1&n=2");
  CHECK(paged(by_link).url_after(json::object(), list).empty());
}

TEST_CASE("`more` ends a listing, and nothing configured goes by paginationInfo") {
  config::api_source api;
  api.pages.page = "p";
  api.pages.more = at("more");
  for (const json& no : {json(false), json(nullptr), json(0), json(""), json::array()})
    CHECK(paged(api).url_after({{"more", no}}, list).empty());
  CHECK(paged(api).url_after({{"more", true}}, list) == list + "&p=2");
  config::api_source plain;
  CHECK(paged(plain).url_after({{"paginationInfo", {{"isLastPage", false}}}}, list) == list + "&page=2");
  CHECK(paged(plain).url_after({{"paginationInfo", {{"isLastPage", true}}}}, list).empty());
  CHECK(paged(plain).url_after({{"items", 3}}, list).empty());
}

TEST_CASE("what is posted holds the page, the offset and the cursor") {
  config::api_source api;
  api.body = R"({"query":"q {page}","variables":{"page":"{page}","from":["{offset}"],"after":"{cursor}"}})";
  api.pages.cursor = at("end");
  paged graph(api);
  const page_address first = graph.pages.first(list);
  CHECK(json::parse(first.body) ==
        json::parse(R"({"query":"q {page}","variables":{"page":1,"from":[0],"after":null}})"));
  const page_address second = graph.after({{"end", "x\"y"}}, first);
  CHECK(second.url == list);
  CHECK(json::parse(second.body) ==
        json::parse(R"({"query":"q {page}","variables":{"page":2,"from":[10],"after":"x\"y"}})"));
  CHECK(first.key() != second.key());
  CHECK(graph.after({{"end", nullptr}}, second, 2).url.empty());
  config::api_source form;
  form.body = "start={offset}&c={cursor}&page={page}";
  CHECK(paged(form).pages.first(list).body == "start=0&c=&page=1");
  CHECK(paged(form).after({}, {list, "start=0&c=&page=1"}).body == "start=10&c=&page=2");
}

TEST_CASE("an expression of paging that does not parse, or fails, is named with its place") {
  config::api_source api;
  api.pages.next = at("links[");
  const auto made = scrape::paging::compile(api);
  REQUIRE(made.has_error());
  CHECK(made.error().to_string().find("api.paging.next: sites.yaml:3:7") != std::string::npos);
  api.pages.next = at("length(`1`)");
  const auto failed = scrape::paging::compile(api)->next(json::object(), {"e", 0, {list, ""}, 1, 0}, 1);
  REQUIRE(failed.has_error());
  CHECK(failed.error().to_string().find("sites.yaml:3:7") != std::string::npos);
}

namespace {

struct paging_fixture : shop_fixture {
  paging_fixture() {
    site.name = site.brand = "Shop";
    site.source = "scraper";
    site.respect_robots = false;
    site.api.emplace();
    site.api->items_path = {at("items")};
    site.api->field_map = {{"external_id", {at("id")}},
                           {"price", {at("'5EUR'")}},
                           {"image_url", {at("'https://cdn.example/a.jpg'")}}};
  }
  static std::string items(int from, int count, json more = json::object()) {
    more["items"] = json::array();
    for (int id = from; id < from + count; ++id) more["items"].push_back({{"id", id}});
    return more.dump();
  }
  result<std::vector<scrape::endpoint_outcome>> read(recording_sink& sink) {
    scrape::fetcher pages(loop.get_executor(), client, robots, lane());
    auto source = scrape::make_source({site, settings, pages, cpu.get_executor(), make_cookie_jar()});
    REQUIRE(source);
    return run((*source)->read(sink));
  }
  config::site site;
  config::fetch_settings settings;
};

}  // namespace

TEST_CASE_METHOD(paging_fixture,
                 "a posted listing is read by its cursor, and known again by what was posted") {
  server s([](const request& r) {
    reply answer;
    const json posted = json::parse(r.body);
    const bool second = posted.at("after") == "two";
    answer.body = second ? items(3, 1) : items(1, 2, {{"end", "two"}});
    if (r.method != "POST" || r.header("content-type") != "application/json") answer.status = 400;
    return answer;
  });
  site.api->endpoints.push_back(at(s.at("/graphql")));
  site.api->body = R"({"after":"{cursor}"})";
  site.api->pages.cursor = at("end");
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  CHECK(outcomes->at(0).complete);
  CHECK(sink.count == 3);
  CHECK(sink.memory.size() == 2);
  sink.pages.clear();
  REQUIRE(read(sink));
  REQUIRE(sink.pages.size() == 2);
  CHECK(sink.pages[0].unchanged);
  CHECK(sink.pages[1].unchanged);
}

TEST_CASE_METHOD(paging_fixture, "a category that pages for ever is read so far, and incomplete") {
  int asked = 0;
  server s([&](const request&) {
    reply answer;
    ++asked;
    answer.body = items(asked * 10, 10);  // always new products
    return answer;
  });
  site.api->endpoints.push_back(at(s.at("/list")));
  site.api->pages.page = "page";
  site.api->pages.max_pages = 12;
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  CHECK_FALSE(outcomes->at(0).complete);
  REQUIRE(outcomes->at(0).failure);
  CHECK(outcomes->at(0).failure->to_string().find("more than 12 pages") != std::string::npos);
  CHECK(asked == 12);
  CHECK(sink.count == 120);
}

TEST_CASE_METHOD(paging_fixture, "a category that gives the same page for ever ends where nothing is new") {
  int asked = 0;
  server s([&](const request&) {
    reply answer;
    answer.body = items(1 + 2 * std::min(asked++, 1), 2);
    return answer;
  });
  site.api->endpoints.push_back(at(s.at("/list")));
  site.api->pages.offset = "from";
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  CHECK(outcomes->at(0).complete);
  CHECK(asked == 3);
  CHECK(sink.count == 4);
}
