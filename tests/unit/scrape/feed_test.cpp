#include <algorithm>

#include "scrape/feed_item.hpp"
#include "scrape/feed_parser.hpp"
#include "tests/unit/scrape/shop_fixture.hpp"

using namespace catwalk;
using catwalk::testing::recording_sink;
using catwalk::testing::shop_fixture;
using nlohmann::json;
using scrape::feed_fields;
using scrape::feed_parser;

namespace {

struct reading {
  std::vector<json> items;
  std::optional<error> failure;
};

reading read_feed(const std::string& text, std::size_t step = 5) {
  feed_parser parser("feed", 10'000'000);
  reading out;
  const auto keep = [&] {
    for (json& one : parser.take()) out.items.push_back(std::move(one));
  };
  for (std::size_t at = 0; at < text.size() && !out.failure; at += step) {
    if (auto pushed = parser.push(std::string_view(text).substr(at, step)); pushed.has_error())
      out.failure = pushed.error();
    keep();
  }
  if (!out.failure) {
    if (auto ended = parser.finish(); ended.has_error()) out.failure = ended.error();
  }
  keep();
  return out;
}

const std::string rss = R"(<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel>
<title>Shop</title><link>https://shop.example</link>
<item><g:id>1</g:id><title>Coat &amp; belt</title><link>https://shop.example/1?a=1&b=2</link>
 <g:image_link>https://cdn.example/1.jpg</g:image_link>
 <g:additional_image_link>https://cdn.example/1b.jpg</g:additional_image_link>
 <g:additional_image_link>https://cdn.example/1c.jpg</g:additional_image_link>
 <g:shipping><g:country>CZ</g:country><g:price>99 CZK</g:price></g:shipping>
 <g:price>1290.00 CZK</g:price></item>
<item></item>
<item><g:id>2</g:id></item>
</channel></rss>)";

}  // namespace

TEST_CASE("feeds in RSS, Atom and tab-separated text give items") {
  for (const std::size_t step : {1, 64, 10'000}) {
    const auto got = read_feed(rss, step);
    CHECK_FALSE(got.failure);
    REQUIRE(got.items.size() == 2);
    CHECK(got.items[0] ==
          json{{"id", "1"},
               {"title", "Coat & belt"},
               {"link", "https://shop.example/1?a=1&b=2"},
               {"image_link", "https://cdn.example/1.jpg"},
               {"additional_image_link", {"https://cdn.example/1b.jpg", "https://cdn.example/1c.jpg"}},
               {"price", "1290.00 CZK"}});
  }
  const auto atom = read_feed(
      "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:g='http://base.google.com/ns/1.0'><title>S</title>"
      "<entry><id>https://shop.example/7</id><g:id>7</g:id><link rel='alternate' "
      "href='https://shop.example/7'/>"
      "<title>T</title></entry></feed>");
  REQUIRE(atom.items.size() == 1);
  CHECK(atom.items[0].at("link") == "https://shop.example/7");
  CHECK(feed_fields(atom.items[0]).at("external_id") == "7");
  const std::string table =
      "\xEF\xBB\xBFid\tTitle\timage link\tadditional image link\tprice\tcolor\r\n"
      "1\t\"A \"\"big\"\"\tcoat\n with "
      "lines\"\thttps://c.example/1.jpg\thttps://c.example/a,b.jpg,https://c.example/2.jpg\t"
      "5 EUR\tRed/Blue\r\n\r\n2\t12\" shoe\t\t\t\t\n3\tlast";
  for (const std::size_t step : {1, 7, 1000}) {
    const auto rows = read_feed(table, step);
    CHECK_FALSE(rows.failure);
    REQUIRE(rows.items.size() == 3);
    CHECK(rows.items[0].at("title") == "A \"big\"\tcoat\n with lines");
    CHECK(rows.items[0].at("additional_image_link") ==
          json({"https://c.example/a,b.jpg", "https://c.example/2.jpg"}));
    CHECK(rows.items[1] == json{{"id", "2"}, {"title", "12\" shoe"}});
    CHECK(rows.items[2] == json{{"id", "3"}, {"title", "last"}});
  }
}

TEST_CASE("what is no feed says what it is; what breaks off keeps what came before") {
  const auto why = [](const std::string& text) {
    const auto got = read_feed(text);
    REQUIRE(got.failure);
    return got.failure->to_string();
  };
  CHECK(why("<!doctype html><html><br></html>").find("an HTML page") != std::string::npos);
  CHECK(why("<urlset/>").find("`urlset`") != std::string::npos);
  CHECK(why("").find("empty") != std::string::npos);
  CHECK(why("name\tprice\nx\t1\n").find("no column `id`") != std::string::npos);
  CHECK(why("id\ttitle\n1\t\"open").find("a quote is not closed") != std::string::npos);
  CHECK(why("id\ttitle\n1\t" + std::string(2'000'000, 'x')).find("line 2: the row has more than") !=
        std::string::npos);
  CHECK(why("<!DOCTYPE x [<!ENTITY a 'b'>]><rss/>").find("declares entities") != std::string::npos);
  const auto cut = read_feed(rss.substr(0, rss.find("<item></item>") + 3));
  REQUIRE(cut.failure);
  CHECK(cut.items.size() == 1);
}

TEST_CASE("an item of a feed becomes fields") {
  const json fields = feed_fields({{"id", "SKU-1"},
                                   {"title", "Coat"},
                                   {"description", "<p>Warm &amp; soft</p>"},
                                   {"link", "https://shop.example/1"},
                                   {"image_link", "https://cdn.example/1.jpg"},
                                   {"additional_image_link", "https://cdn.example/2.jpg"},
                                   {"price", "1.290,00 CZK"},
                                   {"sale_price", "990 CZK"},
                                   {"availability", "in stock"},
                                   {"color", "Red / Navy"},
                                   {"gender", "female"},
                                   {"size", "M"},
                                   {"condition", "Used"},
                                   {"google_product_category", "Apparel > Coats"}});
  CHECK(fields.at("external_id") == "SKU-1");
  CHECK(fields.at("description") == "Warm & soft");
  CHECK(fields.at("price") == "1290.00");
  CHECK(fields.at("sale") == "990");
  CHECK(fields.at("currency") == "CZK");
  CHECK(fields.at("color_names") == json({"Red", "Navy"}));
  CHECK(fields.at("category") == "Apparel > Coats");
  CHECK(fields.at("second_hand") == true);
  CHECK(fields.at("_xmedia_urls").size() == 2);
  CHECK_FALSE(feed_fields({{"price", "5 EUR"}, {"sale_price", "5 EUR"}}).contains("sale"));
  CHECK_FALSE(feed_fields({{"price", "5 EUR"}, {"sale_price", "4 USD"}}).contains("sale"));
  CHECK_FALSE(feed_fields({{"price", "free"}}).contains("price"));
  CHECK(feed_fields({{"price", "EUR 12,50"}}).at("currency") == "EUR");
}

namespace {

struct feed_fixture : shop_fixture {
  feed_fixture() {
    site.name = site.brand = "Shop";
    site.source = "scraper";
    site.respect_robots = false;
    site.feed.emplace();
  }
  static std::string table(int from, int to, const std::string& price = "9.90 EUR") {
    std::string text = "id\ttitle\tlink\timage_link\tprice\n";
    for (int i = from; i <= to; ++i) {
      const std::string n = std::to_string(i);
      text += n + "\tCoat " + n + "\thttps://shop.example/" + n + "\thttps://cdn.example/" + n + ".jpg\t" +
              price + '\n';
    }
    return text;
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

TEST_CASE_METHOD(feed_fixture, "a feed is read in parts, and not again while it is the same") {
  std::string body = table(1, 600);
  bool validators = false;
  server s([&](const request& r) {
    reply answer;
    if (validators && r.header("if-none-match") == "\"a\"") {
      answer.status = 304;
      return answer;
    }
    answer.body = body;
    if (validators) answer.headers.emplace_back("ETag", "\"a\"");
    return answer;
  });
  site.feed->urls.push_back({s.at("/feed.tsv"), {}});
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  CHECK(outcomes->at(0).complete);
  REQUIRE(sink.pages.size() == 4);
  CHECK(sink.pages[0].products.size() == 250);
  CHECK(sink.pages[2].products.size() == 100);
  CHECK(sink.pages[2].url == s.at("/feed.tsv#part=3"));
  CHECK(sink.pages[3].url == s.at("/feed.tsv"));
  const product& one = sink.pages[2].products[99];
  CHECK(one.external_id == "600");
  CHECK(one.price == "9.90EUR");
  CHECK(one.product_url == "https://shop.example/600");

  for (const bool with_validators : {false, true, true}) {
    validators = with_validators;
    sink.pages.clear();
    const auto again = read(sink);
    REQUIRE(again);
    CHECK(again->at(0).complete);
    REQUIRE(sink.pages.size() == 4);
    CHECK(std::all_of(sink.pages.begin(), sink.pages.end(), [](const auto& p) { return p.unchanged; }));
  }

  validators = false;
  body = table(1, 200);
  sink.pages.clear();
  REQUIRE(read(sink));
  REQUIRE(sink.pages.size() == 2);
  // Parts that the feed no longer has are not confirmed by a later run.
  sink.pages.clear();
  REQUIRE(read(sink));
  CHECK(sink.pages.size() == 2);
}

TEST_CASE_METHOD(feed_fixture, "a feed that breaks off is incomplete, and keeps what came") {
  server s([&](const request& r) {
    reply answer;
    answer.body = table(1, 300);
    if (r.target == "/cut") answer.body += "301\t\"open";
    if (r.target == "/html") answer.body = "<html><title>Access Denied</title>Reference #18.ab</html>";
    if (r.target == "/gone") answer.status = 404;
    return answer;
  });
  for (const char* path : {"/cut", "/html", "/gone"}) site.feed->urls.push_back({s.at(path), {}});
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  CHECK_FALSE(outcomes->at(0).complete);
  CHECK(outcomes->at(0).failure->code == errc::malformed);
  CHECK(sink.count == 300);
  CHECK(outcomes->at(1).failure->code == errc::blocked);
  CHECK(outcomes->at(2).failure->http_status == 404);
}

TEST_CASE_METHOD(feed_fixture, "a retried feed is read from its beginning") {
  int asked = 0;
  server s([&](const request&) {
    reply answer;
    answer.body = table(1, 40);
    if (++asked == 1) answer.status = 503;
    return answer;
  });
  site.feed->urls.push_back({s.at("/feed.tsv"), {}});
  site.feed->field_map = {{"brand", {{"'Own'", {}}}}};
  recording_sink sink;
  REQUIRE(read(sink));
  CHECK(asked == 2);
  CHECK(sink.count == 40);
  CHECK(sink.pages[0].products[0].brand == "Own");
}
