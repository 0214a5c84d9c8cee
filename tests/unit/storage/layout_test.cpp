#include "storage/layout.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "storage/sink.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using nlohmann::json;

namespace {

product coat() {
  product p;
  p.id = product_id("abc");
  p.site = site_name("Zara");
  p.source = "scraper";
  p.external_id = "462627330";
  p.product_url = "https://shop.test/p";
  p.image_url = "https://shop.test/i.jpg";
  p.title = "Veste rembourrée";
  p.brand = "Zara";
  p.merchant = "Zara";
  p.country = "us";
  p.gender = "men";
  p.raw_gender = "MAN";
  p.price = "219USD";
  p.price_amount = "219.0";
  p.currency = "USD";
  p.category = "clothing";
  p.color_names = {"Noir"};
  p.availability = "in_stock";
  p.metadata = json{{"country", "w"}};
  p.additional_images = {"https://shop.test/é.jpg", "https://shop.test/3.jpg"};
  p.endpoint = "https://shop.test/list";
  p.raw_item = json{{"price", 21900}, {"id", 1}};
  return p;
}

layout made(const std::string& name, const std::optional<std::set<std::string>>& present = std::nullopt) {
  layout::settings s;
  s.name = name;
  return layout::make(s, present).value();
}

}  // namespace

TEST_CASE("a row of February 2026 has texts where that table has texts") {
  const auto row = made("2026-02").row(coat(), nullptr);
  CHECK(row == json::parse(R"({
    "id": "abc", "source": "scraper", "title": "Veste rembourrée", "description": null, "brand": "Zara",
    "image_url": "https://shop.test/i.jpg",
    "additional_images": "[\"https://shop.test/\\u00e9.jpg\", \"https://shop.test/3.jpg\"]",
    "product_url": "https://shop.test/p", "affiliate_url": null, "category": "clothing", "gender": "men",
    "price": "219USD", "sale": null, "size": null, "second_hand": false, "metadata": "{\"country\": \"w\"}"})"));
}

TEST_CASE("a row of October 2025 has numbers and documents") {
  const auto row = made("2025-10").row(coat(), nullptr);
  CHECK(row == json::parse(R"({
    "source": "scraper", "external_id": "462627330", "merchant_name": "Zara", "title": "Veste rembourrée",
    "description": "Veste rembourrée", "brand": "Zara", "price": 219.0, "currency": "USD", "country": "us",
    "image_url": "https://shop.test/i.jpg", "product_url": "https://shop.test/p", "affiliate_url": null,
    "availability": "in_stock", "category": null, "subcategory": null, "gender": "MAN", "color_names": ["Noir"],
    "size": null, "metadata": {"source": "api", "merchant_name": "Zara", "country": "us", "external_id": "462627330",
      "endpoint": "https://shop.test/list", "_raw_item": {"price": 21900, "id": 1}, "original_price": 21900,
      "original_currency": "USD"}})"));
  CHECK(row["price"].is_number());
}

TEST_CASE("the own layout adds its columns, the model's name only beside a vector") {
  const auto l = made("catwalk");
  embedding e;
  e.values = {0.5f};
  e.model = "clip-vit-b-32";
  const auto with = l.row(coat(), &e), without = l.row(coat(), nullptr);
  CHECK(with["embedding_model"] == "clip-vit-b-32");
  CHECK(with["color_names"] == json{"Noir"});
  CHECK_FALSE(without.contains("embedding_model"));
  CHECK_FALSE(without.contains("image_embedding"));
  CHECK(l.columns(true).size() == with.size());
  CHECK(l.columns(false).size() == without.size());
}

TEST_CASE("a vector survives its text bit by bit") {
  embedding e;
  e.values = {0.1f, -0.0f, 1e-30f, 3.4028235e38f, 1.17549435e-38f, 1e-45f, 0.333333343f, 16777217.0f, -2.5f};
  for (int i = 1; i < 500; ++i) e.values.push_back(std::sin(static_cast<float>(i)) / 7);
  const auto l = made("2026-02");
  const auto text = l.row_text(coat(), &e);
  CHECK(text.find("[0.100000001,-0,") != std::string::npos);
  for (const auto& document : {json::parse(text), json::parse(l.row(coat(), &e).dump())}) {
    const auto& numbers = document["image_embedding"];
    REQUIRE(numbers.size() == e.values.size());
    for (std::size_t i = 0; i < e.values.size(); ++i) {
      const float back = std::strtof(numbers[i].dump().c_str(), nullptr);
      // JSON readers take "-0" for the integer 0.
      if (e.values[i] == 0)
        CHECK(back == 0);
      else
        CHECK(std::bit_cast<std::uint32_t>(back) == std::bit_cast<std::uint32_t>(e.values[i]));
    }
  }
  CHECK(json::parse(text)["title"] == "Veste rembourrée");
}

TEST_CASE("the layout is told by the columns") {
  std::set<std::string> october{"id",    "source",   "external_id", "embedding",
                                "price", "currency", "availability"};
  std::set<std::string> february{"id",   "source", "product_url", "image_embedding", "additional_images",
                                 "price"};
  auto own = february;
  own.insert({"country", "currency", "availability", "color_names", "embedding_model"});
  CHECK(detect_layout(october) == "2025-10");
  CHECK(detect_layout(february) == "2026-02");
  CHECK(detect_layout(own) == "catwalk");
  CHECK_FALSE(detect_layout({"id", "name"}));
}

TEST_CASE("columns can be renamed and left out, and what the table lacks is not written") {
  layout::settings s;
  s.name = "catwalk";
  s.columns = {{"image_embedding", "vec"}, {"info_embedding", std::nullopt}, {"country", std::nullopt}};
  std::set<std::string> present{"id", "source", "title", "image_url", "product_url", "vec", "country"};
  const auto l = layout::make(s, present).value();
  CHECK(l.columns(true) ==
        std::vector<std::string>{"id", "source", "title", "image_url", "product_url", "vec"});
  CHECK(l.vector_column() == "vec");
  CHECK(std::count(l.left_out().begin(), l.left_out().end(), "price") == 1);

  present.erase("vec");
  CHECK(name_of(layout::make(s, present).error().code) == "sink_schema");
  s.columns = {{"colour", "c"}};
  CHECK(name_of(layout::make(s, std::nullopt).error().code) == "invalid_config");
  s.columns.clear();
  CHECK(name_of(layout::make(s, std::set<std::string>{"title"}).error().code) == "sink_schema");
}

TEST_CASE("the vector of a text has a column of its own where the table has one") {
  std::set<std::string> present{"id",          "source",          "title",         "image_url",
                                "product_url", "image_embedding", "info_embedding"};
  layout::settings s;
  s.name = "2026-02";
  const auto l = layout::make(s, present).value();
  CHECK(l.text_column() == "info_embedding");
  CHECK(l.columns(true).back() == "image_embedding");
  CHECK(l.columns(true, true).back() == "info_embedding");
  CHECK(l.columns(false, true).back() == "info_embedding");
  embedding picture, text;
  picture.values = {0.5F};
  text.values = {0.25F};
  const auto row = [&](const embedding* p, const embedding* t) {
    return json::parse(l.row_text(coat(), p, t));
  };
  CHECK(row(&picture, &text)["image_embedding"] == json{0.5});
  CHECK(row(&picture, &text)["info_embedding"] == json{0.25});
  CHECK(row(nullptr, &text)["info_embedding"] == json{0.25});
  CHECK_FALSE(row(nullptr, &text).contains("image_embedding"));
  CHECK_FALSE(row(&picture, nullptr).contains("info_embedding"));

  s.columns = {{"info_embedding", "words"}};
  CHECK(name_of(layout::make(s, present).error().code) == "sink_schema");
  present.insert("words");
  CHECK(layout::make(s, present).value().text_column() == "words");
  CHECK(layout::make(s, std::nullopt).value().text_column() == "words");
  s.columns = {{"info_embedding", std::nullopt}};
  CHECK_FALSE(layout::make(s, present).value().text_column());
  s.columns.clear();
  present.erase("info_embedding");
  const auto without = layout::make(s, present).value();
  CHECK_FALSE(without.text_column());
  CHECK(std::count(without.left_out().begin(), without.left_out().end(), "info_embedding") == 0);
  CHECK_FALSE(layout::make(s, std::nullopt).value().text_column());
}
