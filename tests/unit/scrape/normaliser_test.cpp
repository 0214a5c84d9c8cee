#include "scrape/normaliser.hpp"

#include "core/sha256.hpp"
#include "scrape/same_ids.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::scrape;
using nlohmann::json;

namespace {

config::site shop() {
  config::site site;
  site.name = site.brand = site.merchant = "Shop";
  site.source = "scraper";
  site.country = "cz";
  site.api.emplace();
  site.api->endpoints.push_back({"https://shop.example/api/list", {}});
  site.api->product_url_template = "https://shop.example/{keyword}-p{id}.html?v1={discern_id}";
  return site;
}

json item() {
  return {{"external_id", 42},   {"title", " A coat "},       {"image_url", "https://img.example/a.jpg"},
          {"price", 4990},       {"currency", "USD"},         {"seo_keyword", "a-coat"},
          {"seo_product_id", 7}, {"availability", "in_stock"}};
}

std::variant<product, skipped_item> read(const json& fields, const config::site& site = shop()) {
  return normalise(fields, json{{"raw", 1}}, site, rules_for(site),
                   {site.api->endpoints[0].text, 3, "https://shop.example/api/list", 5});
}

product read_product(const json& fields, const config::site& site = shop()) {
  auto outcome = read(fields, site);
  if (const auto* skipped = std::get_if<skipped_item>(&outcome)) FAIL("skipped: " << skipped->reason);
  return std::get<product>(outcome);
}

skipped_item read_skipped(const json& fields) {
  auto outcome = read(fields);
  REQUIRE(std::holds_alternative<skipped_item>(outcome));
  return std::get<skipped_item>(outcome);
}

}  // namespace

TEST_CASE("an item becomes a product") {
  const product p = read_product(item());
  CHECK(p.id.str() == sha256_hex("scraper:42"));
  CHECK(p.site.str() == "Shop");
  CHECK(p.external_id == "42");
  CHECK(p.title == "A coat");
  CHECK(p.product_url == "https://shop.example/a-coat-p7.html?v1=42");
  CHECK(p.image_url == "https://img.example/a.jpg");
  CHECK(p.price == "49.9USD");
  CHECK(p.price_amount == "49.9");
  CHECK(p.currency == "USD");
  CHECK_FALSE(p.sale);
  CHECK_FALSE(p.description);
  CHECK_FALSE(p.brand);
  CHECK(p.merchant == "Shop");
  CHECK(p.category == "clothing");
  CHECK(p.availability == "in_stock");
  CHECK(p.metadata == json{{"country", "cz"}});
  CHECK(p.raw_item == json{{"raw", 1}});
  CHECK(p.endpoint == "https://shop.example/api/list");
  CHECK(p.endpoint_index == 3);
}

TEST_CASE("an item that lacks what a row needs is skipped, with the reason and its name") {
  auto fields = item();
  fields["external_id"] = nullptr;
  CHECK(read_skipped(fields).reason == "no id");
  CHECK(read_skipped(fields).item == "item 5 (A coat)");
  fields["product_id"] = "x9";
  CHECK(read_product(fields).external_id == "x9");
  fields = item();
  fields["external_id"] = 0;
  CHECK(read_skipped(fields).reason == "no id");
  for (const json& image :
       {json(nullptr), json(""), json("data:image/gif;base64,R0lGOD"), json("/clip.mp4")}) {
    fields = item();
    fields["image_url"] = image;
    CHECK(read_skipped(fields).reason == "no image");
    CHECK(read_skipped(fields).item == "42 (A coat)");
  }
  fields = item();
  fields.erase("currency");
  CHECK(read_skipped(fields).reason == "no price");
}

TEST_CASE("the site's currency and second-hand mark are used") {
  auto site = shop();
  site.currency = "EUR";
  site.second_hand = true;
  auto fields = item();
  fields.erase("currency");
  const product p = read_product(fields, site);
  CHECK(p.price == "49.9EUR");
  CHECK(p.second_hand);
}

TEST_CASE("a sale has the price's form, and an empty one is none") {
  auto fields = item();
  fields["sale_price"] = 1990;
  CHECK(read_product(fields).sale == "19.9USD");
  CHECK(read_product(fields).sale_amount == "19.9");
  for (const json& none : {json(0), json(""), json(nullptr)}) {
    fields["sale_price"] = none;
    CHECK_FALSE(read_product(fields).sale);
  }
}

TEST_CASE("a sale that is not below the price is none") {
  auto fields = item();
  fields["price"] = 20;
  for (const json& sale : {json(30), json(20), json("20,00"), json("25 USD"), json("20.00 USD")}) {
    INFO(sale);
    fields["sale"] = sale;
    const product p = read_product(fields);
    CHECK_FALSE(p.sale);
    CHECK_FALSE(p.sale_amount);
    CHECK(p.price == "20USD");
  }
  fields["sale_price"] = 15;
  CHECK(read_product(fields).sale == "15USD");
  fields["sale"] = json{{"EUR", 14}, {"USD", 19}};
  CHECK(read_product(fields).sale == "19USD,14EUR");
}

TEST_CASE("a sale that cannot be compared with the price stays") {
  auto fields = item();
  fields["price"] = 20;
  fields["sale"] = "450 CZK";
  CHECK(read_product(fields).sale == "450 CZK");
  fields["sale"] = "CZK on request";
  CHECK(read_product(fields).sale == "CZK on request");
}

TEST_CASE("a sale that is words alone is none") {
  auto fields = item();
  fields["price"] = 20;
  fields["sale"] = "SALE now";
  CHECK_FALSE(read_product(fields).sale);
  fields["sale_price"] = 15;
  CHECK(read_product(fields).sale == "15USD");
}

TEST_CASE("gender is women, men, or the shop's own word") {
  for (const auto* text : {"WOMAN", "women's", "Female", "Ladyfit", "girls", "UNISEX WOMAN AND MAN"}) {
    CHECK(normalised_gender(text) == "women");
  }
  for (const auto* text : {"MAN", "Men", "male", "guys", "Boy"}) CHECK(normalised_gender(text) == "men");
  for (const auto* text : {"KID", "unisex", "2"}) CHECK(normalised_gender(text) == text);
  auto fields = item();
  fields["gender"] = "MAN";
  CHECK(read_product(fields).gender == "men");
  CHECK(read_product(fields).raw_gender == "MAN");
}

TEST_CASE("availability is one of three words") {
  for (const json& in :
       {json("in_stock"), json("InStock"), json(" in stock "), json("available"), json(true), json("true")}) {
    CHECK(normalised_availability(in) == "in_stock");
  }
  for (const json& out :
       {json("out_of_stock"), json("out-of-stock"), json("OutOfStock"), json("sold_out"), json("sold-out"),
        json("Sold out"), json("unavailable"), json(false), json("false")}) {
    CHECK(normalised_availability(out) == "out_of_stock");
  }
  for (const json& other : {json(nullptr), json("coming_soon"), json("preorder"), json(1), json::object()}) {
    CHECK(normalised_availability(other) == "unknown");
  }
  auto fields = item();
  fields["in_stock"] = false;
  CHECK(read_product(fields).availability == "out_of_stock");
}

TEST_CASE("sizes and colours are flattened, without repeats") {
  auto fields = item();
  fields["sizes"] = json::parse(R"(["S", [" M ", "S"], "", null, 4, "L"])");
  fields["color_names"] = json::parse(R"(["Noir", ["noir", "Blanc"], " "])");
  const product p = read_product(fields);
  CHECK(p.size == "S, M, L");
  CHECK(p.color_names == std::vector<std::string>{"Noir", "Blanc"});
  fields["sizes"] = "  ";
  CHECK_FALSE(read_product(fields).size);
  fields["color_names"] = " Rouge ";
  CHECK(read_product(fields).color_names == std::vector<std::string>{"Rouge"});
}

TEST_CASE("the category is named by the number in the endpoint") {
  auto zara = shop();
  zara.api->endpoints[0].text = "https://www.zara.com/us/en/category/2420896/products?ajax=true";
  const auto named = [](config::site& site) {
    auto fields = item();
    fields["image_url"] = "https://static.zara.net/x-e1.jpg";
    return read_product(fields, site).category;
  };
  CHECK(named(zara) == "dresses, jumpsuits");
  zara.api->endpoints[0].text = "https://www.zara.com/us/en/category/1/products";
  CHECK(named(zara) == "clothing");
  zara.category_names = {{"1", "hats"}};
  CHECK(named(zara) == "hats");
  auto other = shop();
  other.api->endpoints[0].text = "https://shop.example/category/2418883/products";
  CHECK(read_product(item(), other).category == "clothing");
  auto fields = item();
  fields["category"] = "shoes";
  CHECK(read_product(fields, other).category == "shoes");
}

TEST_CASE("the product's address is its own, else the template's, and absolute") {
  auto fields = item();
  fields["product_url"] = "/p/1?a=b";
  CHECK(read_product(fields).product_url == "https://shop.example/p/1?a=b");
  fields["product_url"] = "https://other.example/p/1";
  CHECK(read_product(fields).product_url == "https://other.example/p/1");
  fields = item();
  fields.erase("seo_keyword");
  CHECK(read_product(fields).product_url.empty());
}

TEST_CASE("built-in rules are Zara's alone, and a site's own win") {
  auto zara = shop();
  zara.api->endpoints[0].text = "https://www.zara.com/us/en/category/2443335/products?ajax=true";
  CHECK(rules_for(zara).price_unit == config::price_unit::minor);
  CHECK(rules_for(zara).image_url_contains == std::vector<std::string>{"-e1", "-ult21", "-s"});
  zara.price = config::price_unit::guess;
  zara.image_url_contains_set = true;
  CHECK(rules_for(zara).price_unit == config::price_unit::guess);
  CHECK(rules_for(zara).image_url_contains.empty());
  CHECK(rules_for(shop()).price_unit == config::price_unit::guess);
  CHECK_FALSE(is_zara_address("https://notzara.com/"));
  CHECK(is_zara_address("https://static.zara.net/a.jpg"));
}

TEST_CASE("metadata holds what the table of February 2026 keeps") {
  auto fields = item();
  fields["country"] = "w";
  fields["merchant_name"] = "M";
  fields["original_currency"] = "CAD";
  const product p = read_product(fields);
  CHECK(p.metadata == json{{"country", "w"}, {"merchant_name", "M"}, {"original_currency", "CAD"}});
  CHECK(p.country == "cz");
  CHECK(p.country_field == "w");
}

TEST_CASE("one shop under one source in two countries is refused, anything else is not") {
  const auto site_at = [](const char* name, const char* source, const char* country, const char* address) {
    config::site site;
    site.name = name;
    site.source = source;
    site.country = country;
    site.where = {"sites.yaml", 7, 3};
    site.api.emplace();
    site.api->endpoints.push_back({address, {}});
    return site;
  };
  const auto us = site_at("US", "scraper", "us", "https://www.shop.example/us/list");
  const auto found = check_same_ids({us, site_at("CZ", "scraper", "cz", "https://shop.example/cz/list")});
  REQUIRE(found.size() == 1);
  CHECK(config::to_string(found[0]).find("sites.yaml:7:3: site 'CZ' gives its products the ids of 'US'") ==
        0);
  CHECK(check_same_ids({us, site_at("CZ", "other", "cz", "https://shop.example/cz/list")}).empty());
  CHECK(check_same_ids({us, site_at("Men", "scraper", "us", "https://shop.example/us/men")}).empty());
  CHECK(check_same_ids({us, site_at("CZ", "scraper", "cz", "https://elsewhere.example/")}).empty());
}

TEST_CASE("one shop in two countries is one row by the same `countries`") {
  const auto site_in = [](const char* country, std::vector<std::string> countries) {
    config::site site;
    site.name = site.country = country;
    site.source = "scraper";
    site.countries = std::move(countries);
    site.api.emplace();
    site.api->endpoints.push_back({std::string("https://shop.example/") + country, {}});
    return site;
  };
  CHECK(check_same_ids({site_in("us", {"us", "cz"}), site_in("cz", {"us", "cz"})}).empty());
  CHECK(check_same_ids({site_in("us", {"us", "cz"}), site_in("cz", {})}).size() == 1);
  CHECK(check_same_ids({site_in("us", {"us", "cz"}), site_in("cz", {"cz", "us"})}).size() == 1);
  const auto lacking = check_same_ids({site_in("us", {"cz", "de"})});
  REQUIRE(lacking.size() == 1);
  CHECK(lacking[0].what == "countries of site 'us' lacks its own country 'us'");
}

TEST_CASE("an item says itself that it is second-hand, or its site does") {
  auto fields = item();
  CHECK_FALSE(read_product(fields).second_hand);
  fields["second_hand"] = true;
  CHECK(read_product(fields).second_hand);
  auto site = shop();
  site.second_hand = true;
  CHECK(read_product(item(), site).second_hand);
}
