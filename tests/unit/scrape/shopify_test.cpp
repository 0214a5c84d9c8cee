#include <algorithm>

#include "scrape/gender_word.hpp"
#include "scrape/markup_text.hpp"
#include "scrape/shopify_item.hpp"
#include "scrape/shopify_reader.hpp"
#include "tests/unit/scrape/shop_fixture.hpp"

using namespace catwalk;
using catwalk::testing::recording_sink;
using catwalk::testing::shop_fixture;
using nlohmann::json;
using scrape::endpoint_outcome;
using scrape::shopify_fields;

namespace {

json coat() {
  return json::parse(R"json({
    "id": 7, "title": "Wool coat", "handle": "wool-coat", "vendor": "Acme", "product_type": "Coats",
    "body_html": "<p>Warm &amp; <b>soft</b></p>\n<style>p{}</style>", "tags": ["Women's", "Wool"],
    "options": [{"name": "Colour", "position": 1}, {"name": "Shoe size (EU)", "position": 2}],
    "variants": [
      {"option1": "Red", "option2": "40", "price": "90.00", "compare_at_price": "120.00", "available": false},
      {"option1": "Red", "option2": "41", "price": "100.00", "compare_at_price": "120.00", "available": true},
      {"option1": "Blue", "option2": "41", "price": "110.00", "compare_at_price": null, "available": true}],
    "images": [{"src": "//cdn.example/a.jpg"}, {"src": "https://cdn.example/b.jpg"}]
})json");
}

}  // namespace

TEST_CASE("a Shopify product becomes fields") {
  const json fields = shopify_fields(coat(), "https://shop.example/en");
  CHECK(fields.at("external_id") == 7);
  CHECK(fields.at("title") == "Wool coat");
  CHECK(fields.at("description") == "Warm & soft");
  CHECK(fields.at("brand") == "Acme");
  CHECK(fields.at("category") == "Coats");
  CHECK(fields.at("product_url") == "https://shop.example/en/products/wool-coat");
  CHECK(fields.at("gender") == "women");
  CHECK(fields.at("availability") == true);
  // The red one in size 40 is the cheapest, but cannot be bought.
  CHECK(fields.at("price") == "120.00");
  CHECK(fields.at("sale") == "100.00");
  CHECK(fields.at("size") == json{"41"});
  CHECK(fields.at("color_names") == json({"Red", "Blue"}));
  CHECK(fields.at("_xmedia_urls") == json({"//cdn.example/a.jpg", "https://cdn.example/b.jpg"}));
}

TEST_CASE("Shopify's prices: the cheapest variant, reduced only where it was dearer") {
  const auto with = [](json variants) {
    json item = coat();
    item["variants"] = std::move(variants);
    return shopify_fields(item, "https://s.example");
  };
  const auto dearer = with({{{"price", "20.00"}, {"compare_at_price", "20.00"}}});
  CHECK(dearer.at("price") == "20.00");
  CHECK_FALSE(dearer.contains("sale"));
  const auto zero = with({{{"price", "0.00"}}, {{"price", "5.50"}, {"compare_at_price", "0.00"}}});
  CHECK(zero.at("price") == "5.50");
  CHECK_FALSE(zero.contains("sale"));
  const auto numbers = with({{{"price", 1200}, {"compare_at_price", 1450.5}, {"available", false}}});
  CHECK(numbers.at("price") == "1450.5");
  CHECK(numbers.at("sale") == "1200");
  CHECK(numbers.at("availability") == false);
  CHECK_FALSE(with({{{"price", "0"}}}).contains("price"));
  CHECK_FALSE(with(json::array()).contains("availability"));
  // 9.00 is less than 10.00, although "9.00" is the longer way in the alphabet.
  CHECK(with({{{"price", "10.00"}}, {{"price", "9.00"}}}).at("price") == "9.00");
}

TEST_CASE("Shopify's odd products do not break the reader") {
  CHECK(shopify_fields(json("text"), "https://s.example").empty());
  const json odd = shopify_fields({{"id", 1},
                                   {"variants", {1, "two", nullptr}},
                                   {"images", {"https://cdn.example/a.jpg", 5}},
                                   {"options", {"Size", 3}},
                                   {"tags", "men, summer"},
                                   {"body_html", nullptr},
                                   {"title", json::array()}},
                                  "https://s.example");
  CHECK(odd.at("_xmedia_urls") == json{"https://cdn.example/a.jpg"});
  CHECK(odd.at("gender") == "men");
  CHECK_FALSE(odd.contains("product_url"));
  CHECK_FALSE(odd.contains("size"));
}

TEST_CASE("whom a product is for is told by whole words") {
  const auto verdict = [](std::initializer_list<const char*> texts) {
    scrape::gender_words words;
    for (const char* text : texts) words.add(text);
    return words.verdict();
  };
  CHECK(verdict({"Women's tops"}) == "women");
  CHECK(verdict({"Men\u2019s"}) == "men");
  CHECK(verdict({"garment", "womanizer", "manual"}).empty());
  CHECK(verdict({"women", "MEN"}).empty());
  CHECK(verdict({"Dámské tričko"}) == "women");
}

TEST_CASE("the text of markup") {
  using scrape::text_of_markup;
  CHECK(text_of_markup("<p>a<br>b</p>  <p>c</p>") == "a b c");
  CHECK(text_of_markup("5 &lt; 6 &amp; 7&nbsp;&euro; &#233;&#x41; &bogus; &#xD800;") ==
        "5 < 6 & 7 \u20ac \u00e9A &bogus; \uFFFD");
  CHECK(text_of_markup("&lt;p&gt;twice&lt;/p&gt;") == "twice");
  CHECK(text_of_markup("a <!-- b --> c <script>if (1 < 2) d</script> e <style>f") == "a c e");
  CHECK(text_of_markup("1 < 2 and <3") == "1 < 2 and <3");
  CHECK(text_of_markup("<b>Y</b>amaha <SPAN class=x>a</SPAN>mp<br/>lifier") == "Yamaha amp lifier");
  CHECK(text_of_markup("<p").empty());
  CHECK(text_of_markup("<!--").empty());
  CHECK(text_of_markup("").empty());
}

namespace {

json products(int from, int count) {
  json list = json::array();
  for (int id = from; id < from + count; ++id) {
    json one = coat();
    one["id"] = id;
    list.push_back(std::move(one));
  }
  return {{"products", std::move(list)}};
}

struct shopify_fixture : shop_fixture {
  shopify_fixture() {
    site.name = site.brand = "Shop";
    site.source = "scraper";
    site.respect_robots = false;
    site.currency = "EUR";
    site.shopify.emplace();
  }
  result<std::vector<endpoint_outcome>> read(recording_sink& sink) {
    scrape::fetcher pages(loop.get_executor(), client, robots, lane());
    auto source = scrape::make_source({site, settings, pages, cpu.get_executor(), make_cookie_jar()});
    REQUIRE(source);
    return run((*source)->read(sink));
  }
  static reply answer(const json& body, int status = 200) {
    reply r;
    r.status = status;
    r.body = body.dump();
    return r;
  }
  static std::vector<std::string> targets(const server& s) {
    std::vector<std::string> list;
    for (const auto& r : s.requests()) list.push_back(r.target);
    return list;
  }
  config::site site;
  config::fetch_settings settings;
};

}  // namespace

TEST_CASE_METHOD(shopify_fixture, "a Shopify shop is read in pages, with the currency it names") {
  server s([](const request& r) {
    if (r.target == "/meta.json") return answer({{"currency", "CZK"}});
    if (r.target == "/products.json?limit=250") return answer(products(1, 250));
    // Fewer than were asked for, but too many to be sure that it is the end.
    if (r.target == "/products.json?limit=250&page=2") return answer(products(251, 100));
    if (r.target == "/products.json?limit=250&page=3") return answer(products(351, 3));
    return answer({{"products", json::array()}});
  });
  site.currency.clear();
  site.shopify->url = {s.at(""), {}};
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  REQUIRE(outcomes->size() == 1);
  CHECK(outcomes->at(0).complete);
  CHECK(outcomes->at(0).endpoint == s.at("/products.json"));
  CHECK(targets(s) == std::vector<std::string>{"/meta.json", "/products.json?limit=250",
                                               "/products.json?limit=250&page=2",
                                               "/products.json?limit=250&page=3"});
  CHECK(sink.count == 353);
  const product& first = sink.pages.at(0).products.at(0);
  CHECK(first.price == "120.00CZK");
  CHECK(first.sale == "100.00CZK");
  CHECK(first.image_url.ends_with("//cdn.example/a.jpg"));
  CHECK(first.additional_images == std::vector<std::string>{"https://cdn.example/b.jpg"});
  CHECK(first.size == "41");
  CHECK(first.availability == "in_stock");
  CHECK(first.gender == "women");
  CHECK(first.raw_item.is_null());
}

TEST_CASE_METHOD(shopify_fixture, "a shop without a currency is an error, not a shop without prices") {
  server s([](const request&) { return answer(json::object(), 404); });
  site.currency.clear();
  site.shopify->url = {s.at(""), {}};
  recording_sink sink;
  const auto ended = read(sink);
  REQUIRE(ended.has_error());
  CHECK(ended.error().to_string().find("set currency: at the site") != std::string::npos);
}

TEST_CASE_METHOD(shopify_fixture, "a shop that limits its whole listing is read by collection") {
  server s([](const request& r) {
    if (r.target.starts_with("/products.json")) return answer({{"errors", "Not Found"}}, 404);
    if (r.target.starts_with("/collections.json"))
      return answer({{"collections",
                      {{{"handle", "women"}, {"products_count", 2}},
                       {{"handle", "empty"}, {"products_count", 0}},
                       {{"handle", "čepice"}}}}});
    if (r.target.starts_with("/collections/women/")) return answer(products(1, 2));
    return answer(products(2, 2));
  });
  site.shopify->url = {s.at(""), {}};
  recording_sink sink;
  const auto outcomes = read(sink);
  REQUIRE(outcomes);
  REQUIRE(outcomes->size() == 2);
  CHECK(outcomes->at(0).endpoint == s.at("/collections/women/products.json"));
  CHECK(outcomes->at(0).endpoint_index == 1);
  CHECK(outcomes->at(1).endpoint == s.at("/collections/%C4%8Depice/products.json"));
  CHECK(outcomes->at(1).complete);
  CHECK(sink.count == 4);
}

TEST_CASE_METHOD(shopify_fixture, "named collections, and fields of the site's own") {
  server s([](const request&) { return answer(products(1, 1)); });
  site.shopify->url = {s.at(""), {}};
  site.shopify->collections = {{"women", {}}};
  site.shopify->field_map = {{"gender", {{"'female'", {}}}}, {"brand", {{"nothing", {}}}}};
  recording_sink sink;
  REQUIRE(read(sink));
  CHECK(targets(s) == std::vector<std::string>{"/collections/women/products.json?limit=250"});
  CHECK(sink.pages.at(0).products.at(0).raw_gender == "female");
  CHECK(sink.pages.at(0).products.at(0).brand == "Acme");
}

TEST_CASE_METHOD(shopify_fixture, "what is no Shopify shop fails by name, refusals are refusals") {
  server s([](const request& r) {
    reply page;
    page.body = "<html><title>Shop</title></html>";
    if (r.target.starts_with("/json")) page.body = R"({"items":[]})";
    if (r.target.starts_with("/no")) page.status = 403;
    return page;
  });
  const auto failure = [&](const char* path) {
    site.shopify->url = {s.at(path), {}};
    recording_sink sink;
    const auto outcomes = read(sink);
    REQUIRE(outcomes);
    REQUIRE(outcomes->at(0).failure);
    return *outcomes->at(0).failure;
  };
  CHECK(failure("").to_string().find("an HTML page titled \"Shop\"") != std::string::npos);
  CHECK(failure("/json").to_string().find("without a list `products`") != std::string::npos);
  CHECK(failure("/no").code == errc::blocked);
}

TEST_CASE_METHOD(shopify_fixture, "check names an expression of shopify.field_map that does not parse") {
  site.shopify->field_map = {{"gender", {{"tags[", {"sites.yaml", 3, 5}}}}};
  const auto found = scrape::check_site(site);
  REQUIRE(found.size() == 1);
  CHECK(config::to_string(found[0]).find("shopify.field_map.gender: syntax") != std::string::npos);
}
