#include "core/product.hpp"

#include "core/product_text.hpp"
#include "core/sha256.hpp"
#include "tests/support/catch.hpp"

using catwalk::product;

namespace {

product jacket() {
  product p;
  p.id = catwalk::product_id(catwalk::sha256_hex("scraper:462627330"));
  p.site = catwalk::site_name("Zara");
  p.source = "scraper";
  p.external_id = "462627330";
  p.title = "VESTE REMBOURRÉE";
  p.brand = "Zara";
  p.category = "clothing";
  p.gender = "men";
  p.price = "219USD";
  p.metadata = {{"country", "w"}};
  p.additional_images = {"https://a/1.jpg", "https://a/2.jpg"};
  p.raw_item = {{"id", 462627330}};
  return p;
}

}  // namespace

TEST_CASE("SHA-256 gives the published digests") {
  CHECK(catwalk::sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(catwalk::sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("the id of a product is the predecessor's") {
  CHECK(jacket().id.str() == "dd5f5f3e32de4e9dbb18a3d4f12fc47031b7cbac12274fac819ede556ea5cb43");
}

TEST_CASE("a product survives the way through JSON") {
  const auto p = jacket();
  const auto q = catwalk::product_from_json(catwalk::to_json(p));
  CHECK(catwalk::to_json(q) == catwalk::to_json(p));
  CHECK(q.id == p.id);
  CHECK_FALSE(q.description.has_value());
}

namespace {

/// What a reading of a text came to: the product and its ids, or that there is none.
template <class Read>
std::optional<std::string> outcome_of(const Read& read) {
  try {
    const catwalk::product p = read();
    return catwalk::to_text(p) + p.id.str() + p.site.str();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

/// Whether both readings come to the same.
bool read_alike(const std::string& text) {
  return outcome_of([&] { return catwalk::product_from_text(text); }) ==
         outcome_of([&] { return catwalk::product_from_json(nlohmann::json::parse(text)); });
}

catwalk::product intricate_product() {
  catwalk::product p;
  p.id = catwalk::product_id("one");
  p.site = catwalk::site_name("Shop");
  p.title = "Tví\"d\\ \x01";
  p.description = "";
  p.brand = "plain, but longer than eight: {[\x7F]}";
  p.additional_images = {"a", "b\n", ""};
  p.color_names = {"red"};
  p.second_hand = true;
  p.endpoint_index = -3;
  p.metadata = {{"a", {1, -2, 2.5, nullptr, true, "x]\"}", {{"deep", {{}, nlohmann::json::object()}}}}},
                {"b", nullptr},
                {"title", "no title"}};
  p.raw_item = {{"id", 7}, {"list", {{{"k", "v"}}}}};
  return p;
}

}  // namespace

TEST_CASE("a product read from its text is the one read from the document") {
  auto p = intricate_product();
  CHECK(read_alike(catwalk::to_text(catwalk::product())));
  CHECK(read_alike(catwalk::to_text(p)));
  CHECK(read_alike(catwalk::to_json(p).dump()));
  CHECK(read_alike(catwalk::to_json(p).dump(1)));
  const auto back = catwalk::product_from_text(catwalk::to_text(p));
  CHECK(catwalk::to_text(back) == catwalk::to_text(p));
  p.metadata = nlohmann::json::array({1, 2});
  p.raw_item = "text";
  CHECK(read_alike(catwalk::to_text(p)));
  p.metadata = 12;
  CHECK(read_alike(catwalk::to_text(p)));
}

TEST_CASE("what no version writes of a product is judged as the document is") {
  for (const auto* text :
       {R"({"id": "a", "brand": null, "unknown": [{"id": 1}], "title": "t", "color_names": ["x"]})",
        R"({"id": "a", "title": "first", "title": "second", "color_names": ["x"], "color_names": []})",
        R"({"endpoint_index":007})",
        R"({"endpoint_index":-0})",
        R"({"endpoint_index":1.5})",
        R"({"endpoint_index":99999999999})",
        R"({"second_hand":falsetrue})",
        R"({"second_hand":1})",
        R"({"id":"a"})",
        R"({"id": "a")",
        R"({"id": 7})",
        R"({"title":["a"]})",
        R"({"color_names":"red"})",
        R"({"color_names":[["red"]]})",
        R"({"color_names":["red",]})",
        R"({"color_names":["red")",
        R"({"title":null})",
        R"({"metadata":})",
        R"({"metadata":{"a":[}]})",
        R"({"metadata":{"a":1})",
        R"({"metadata": 1 ,"title":"t"})",
        R"({,"title":"t"})",
        R"({"title":"t",})",
        R"({"title":"t"}})",
        R"({"title":"\ud800"})",
        R"({"title":"\u0041"})",
        R"({"title)",
        R"({"title":"t)",
        "[]",
        "7",
        "",
        "{",
        "{}",
        "{} x",
        "\xEF\xBB\xBF{}",
        "{\"title\":\"\xFF\"}",
        "{\"title\":\"1234567\xFF\"}",
        "{\"title\":\"12345678\t\"}"}) {
    CAPTURE(text);
    CHECK(read_alike(text));
  }
}

TEST_CASE("a product's text that is damaged anywhere is judged as the document is") {
  const auto sound = catwalk::to_text(intricate_product());
  for (std::size_t at = 0; at < sound.size(); ++at) {
    if (!read_alike(sound.substr(0, at))) FAIL("cut at " << at);
    if (!read_alike(sound.substr(0, at) + sound.substr(at + 1))) FAIL("without " << at);
    for (const char other : std::string_view("\"\\{}[],: 0-tn\x01\xFF")) {
      auto changed = sound;
      changed[at] = other;
      if (!read_alike(changed)) FAIL(at << " changed: " << changed);
      changed.insert(at, 1, sound[at]);
      if (!read_alike(changed)) FAIL(at << " inserted: " << changed);
    }
  }
}

TEST_CASE("the field hash follows what a sink can store and nothing else") {
  const auto p = jacket();
  auto q = p;
  q.raw_item = {{"stamp", 2}};
  q.endpoint_index = 7;
  CHECK(q.field_hash() == p.field_hash());
  q.price = "199USD";
  CHECK(q.field_hash() != p.field_hash());
  q = p;
  q.sale = "";
  CHECK(q.field_hash() != p.field_hash());
}

TEST_CASE("the info text joins the present parts as the predecessor did") {
  CHECK(jacket().info_text() == "VESTE REMBOURRÉE clothing Zara men Price: 219USD country: w");
}
