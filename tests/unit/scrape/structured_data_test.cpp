#include "scrape/structured_data.hpp"

#include "scrape/lenient_json.hpp"
#include "scrape/structured_product.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using nlohmann::json;
using scrape::parse_lenient_json;

namespace {

constexpr const char* address = "https://shop.example/en/products/blue-shirt?ref=1";

scrape::structured_page read(const std::string& body) {
  const auto document = scrape::html_document::parse(body, address);
  REQUIRE(document.has_value());
  return scrape::read_structured_data(*document, address, address);
}

std::string ld(const std::string& text) {
  return "<script type='application/ld+json'>" + text + "</script>";
}

json only_item(const std::string& body) {
  const auto page = read(body);
  REQUIRE(page.items.size() == 1);
  return page.items.front().fields;
}

json mended(const std::string& text) {
  auto value = parse_lenient_json(text, "test");
  INFO(text);
  REQUIRE(value.has_value());
  return std::move(*value);
}

}  // namespace

TEST_CASE("lenient JSON: what real pages hold") {
  CHECK(mended(R"({"a": [1, 2, ], "b": {"c": 1,},})") == json({{"a", {1, 2}}, {"b", {{"c", 1}}}}));
  CHECK(mended("{\"a\": 1, // \"not\": 2\n /* \"nor\": 3 */ \"b\": 2}") == json({{"a", 1}, {"b", 2}}));
  CHECK(mended("{\"a\": \"two\nlines\tand a tab // no comment, ]\"}") ==
        json({{"a", "two\nlines\tand a tab // no comment, ]"}}));
  CHECK(mended("<!-- {\"a\": 1} -->") == json({{"a", 1}}));
  CHECK(mended("<!-- a note --> {\"a\": 1}") == json({{"a", 1}}));
  CHECK(mended("//<![CDATA[\n{\"a\": 1};\n//]]>") == json({{"a", 1}}));
  CHECK(mended(R"({"a": "it\'s \x41 \d"})") == json({{"a", "it's A d"}}));
  CHECK(mended("[1,,2]") == json({1, 2}));
  CHECK(mended("{\"a\": 1};") == json({{"a", 1}}));
  CHECK(parse_lenient_json("{\"a\": ", "cut").has_error());
  CHECK(parse_lenient_json("{\"a\": \"", "cut").has_error());
  CHECK(parse_lenient_json("<!--", "cut").has_error());
  CHECK(parse_lenient_json("1 2", "two").has_error());
  CHECK(parse_lenient_json(std::string(100'000, '['), "deep").has_error());
  CHECK(parse_lenient_json("", "empty").has_error());
}

TEST_CASE("json_value_length: where a value in a script ends") {
  CHECK(scrape::json_value_length(R"({"a": "}"}; next())") == 10);
  CHECK(scrape::json_value_length(R"(["]", {}]</script>)") == 9);
  CHECK(scrape::json_value_length(R"("a\"b" + c)") == 6);
  CHECK(scrape::json_value_length(R"({"a": 1)") == 0);
  CHECK(scrape::json_value_length("12;") == 2);
}

TEST_CASE("structured data: a product with an offer") {
  CHECK(only_item(ld(
            R"({"@context": "https://schema.org", "@type": "Product", "sku": 4711, "name": "Blue &amp; white",
    "description": "<p>Soft.</p><p>Warm.</p>", "brand": {"@type": "Brand", "name": "ACME"},
    "image": ["/a.jpg", {"@type": "ImageObject", "url": "/b.jpg"}], "color": "Blue",
    "audience": {"@type": "PeopleAudience", "suggestedGender": "https://schema.org/Male"},
    "offers": {"@type": "Offer", "price": 49.9, "priceCurrency": "EUR",
               "availability": "https://schema.org/LimitedAvailability", "url": "?v=1"}})")) ==
        json({{"external_id", "4711"},
              {"title", "Blue & white"},
              {"description", "Soft. Warm."},
              {"brand", "ACME"},
              {"image_url", {"https://shop.example/a.jpg", "https://shop.example/b.jpg"}},
              {"additional_images", {"https://shop.example/b.jpg"}},
              {"color_names", {"Blue"}},
              {"gender", "Male"},
              {"price", "49.9"},
              {"currency", "EUR"},
              {"availability", "in_stock"},
              {"product_url", "https://shop.example/en/products/blue-shirt?v=1"}}));
}

TEST_CASE("structured data: a group is one item") {
  const json item =
      only_item(ld(R"({"@type": "ProductGroup", "productGroupID": "G1", "name": "Shirt", "hasVariant": [
    {"@type": "Product", "sku": "G1-S", "size": "S", "color": "Red", "image": "/r.jpg",
     "offers": {"@type": "Offer", "price": "30.00", "priceCurrency": "EUR", "availability": "OutOfStock"}},
    {"@type": "Product", "sku": "G1-M", "size": "M", "color": "Red",
     "offers": [{"@type": "Offer", "price": "25.00", "priceCurrency": "EUR", "availability": "http://schema.org/InStock",
       "priceSpecification": {"price": "40.00", "priceCurrency": "EUR", "priceType": "https://schema.org/ListPrice"}}]}]})"));
  CHECK(item.at("external_id") == "G1");
  CHECK(item.at("size") == json({"S", "M"}));
  CHECK(item.at("color_names") == json({"Red"}));
  CHECK(item.at("price") == "40.00");
  CHECK(item.at("sale") == "25.00");
  CHECK(item.at("availability") == "in_stock");
}

TEST_CASE("structured data: graphs, references, aggregate offers") {
  const json item = only_item(ld(R"({"@context": "https://schema.org", "@graph": [
    {"@type": "WebPage", "mainEntity": {"@id": "#product"}},
    {"@type": ["Thing", "http://schema.org/Product"], "@id": "#product", "name": "Hat", "mpn": "H-1",
     "offers": {"@id": "#offers"}, "brand": {"@id": "#brand"}},
    {"@type": "AggregateOffer", "@id": "#offers", "lowPrice": "10", "highPrice": "20", "priceCurrency": "USD"},
    {"@type": "Brand", "@id": "#brand", "name": "Hatter"}]})")
                                  .append(ld("{\"@id\": \"#brand\"}")));
  CHECK(item.at("external_id") == "H-1");
  CHECK(item.at("price") == "10");
  CHECK(item.at("currency") == "USD");
  CHECK(item.at("brand") == "Hatter");
}

TEST_CASE("structured data: references that go in circles end") {
  std::string graph = R"({"@graph": [)";
  for (int i = 0; i < 60; ++i) {
    graph += (i ? "," : "") + std::string(R"({"@type": "Product", "name": "x", "@id": "#)") +
             std::to_string(i) + R"(", "isRelatedTo": [)";
    for (int k = 0; k < 60; ++k)
      graph += (k ? "," : "") + std::string(R"({"@id": "#)") + std::to_string(k) + "\"}";
    graph += "]}";
  }
  CHECK(read(ld(graph + "]}")).items.size() == 60);
}

TEST_CASE("structured data: what references multiply is bounded by its size") {
  std::string list = R"([{"@id": "a", "x": [0)";
  for (int i = 0; i < 50'000; ++i) list += ",0";
  list += R"(], "y": ")" + std::string(200'000, 'y') + R"("}, {"@type": "Product", "name": "x", "z": [0)";
  for (int i = 0; i < 15'000; ++i) list += R"(,{"@id":"a"})";
  list += "]}]";
  CHECK(read(ld(list)).items.size() == 1);
}

TEST_CASE("structured data: a value that microdata gives many names is bounded by its size") {
  std::string names, references;
  for (int i = 0; i < 5'000; ++i) names += " n" + std::to_string(i);
  for (int i = 0; i < 5'000; ++i) references += " big";
  CHECK(read("<div itemscope itemtype=Product itemref='" + references +
             "'><i itemprop=name>x</i></div><p id=big><b itemprop='" + names + "'>" +
             std::string(100'000, 'b') + "</b></p>")
            .items.size() == 1);
}

TEST_CASE("structured data: a price of 0 is none, an address gives the id") {
  const json item = only_item(ld(R"({"@type": "Product", "name": "Tank",
    "offers": {"@type": "Offer", "price": 0, "priceCurrency": "SAR"}})"));
  CHECK_FALSE(item.contains("price"));
  CHECK(item.at("external_id") == "blue-shirt");
}

TEST_CASE("structured data: the page's own product among others") {
  const auto page = read(ld(R"([{"@type": "Product", "name": "Other", "url": "/en/products/other"},
    {"@type": "Product", "name": "Blue", "url": "/en/products/blue-shirt"}])"));
  REQUIRE(page.main_item());
  CHECK(page.main_item()->fields.at("title") == "Blue");
  CHECK(page.links == std::vector<std::string>{"https://shop.example/en/products/other",
                                               "https://shop.example/en/products/blue-shirt"});
}

TEST_CASE("structured data: a list names pages") {
  const auto page =
      read(ld(R"({"@type": "CollectionPage", "mainEntity": {"@type": "ItemList", "itemListElement": [
    {"@type": "ListItem", "position": 1, "url": "/p/1"}, {"@type": "ListItem", "item": "/p/2"},
    {"@type": "ListItem", "item": {"@type": "Product", "name": "Three", "url": "/p/3"}}]}})") +
           ld(R"({"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "item": "/home"}]})"));
  CHECK(page.links == std::vector<std::string>{"https://shop.example/p/1", "https://shop.example/p/2",
                                               "https://shop.example/p/3"});
  CHECK(page.items.size() == 1);
}

TEST_CASE("structured data: microdata") {
  const json item = only_item(R"(<div itemscope itemtype="https://schema.org/Product" itemref="more">
    <h1 itemprop="name">Anvil</h1><img itemprop="image" src="/anvil.jpg">
    <div itemprop="offers" itemscope itemtype="https://schema.org/Offer"><meta itemprop="priceCurrency" content="USD">
      <span itemprop="price" content="119.99">$119,99</span><link itemprop="availability" href="https://schema.org/SoldOut">
      <span itemprop="seller" itemscope><b itemprop="name">Not the anvil</b></span></div></div>
    <p id="more">No. <b itemprop="mpn">925872</b></p>)");
  CHECK(item == json({{"external_id", "925872"},
                      {"title", "Anvil"},
                      {"image_url", {"https://shop.example/anvil.jpg"}},
                      {"price", "119.99"},
                      {"currency", "USD"},
                      {"availability", "out_of_stock"}}));
}

TEST_CASE("structured data: microdata whose references go in circles ends") {
  CHECK(read(R"(<div id=a itemscope itemtype=Product itemref="b a"><i itemprop=name>x</i></div>
    <div id=b itemprop=x itemscope itemref=a></div>)")
            .items.size() == 1);
}

TEST_CASE("structured data: OpenGraph, alone and as a supplement") {
  const std::string graph =
      R"(<meta property="og:type" content="product"><meta property="og:title" content="Blue">
    <meta property="og:image" content="/1.jpg"><meta property="og:image" content="/2.jpg">
    <meta property="product:price:amount" content="50.00"><meta property="product:price:currency" content="GBP">
    <meta property="product:sale_price:amount" content="40.00"><meta property="product:retailer_item_id" content="B1">
    <meta property="product:availability" content="in stock">)";
  CHECK(only_item(graph) == json({{"external_id", "B1"},
                                  {"title", "Blue"},
                                  {"image_url", {"https://shop.example/1.jpg", "https://shop.example/2.jpg"}},
                                  {"additional_images", {"https://shop.example/2.jpg"}},
                                  {"price", "50.00"},
                                  {"sale", "40.00"},
                                  {"currency", "GBP"},
                                  {"availability", "in stock"}}));
  const json both = only_item(graph + ld(R"({"@type": "Product", "sku": "S", "name": "From JSON-LD",
    "offers": {"price": "60", "priceCurrency": "GBP"}})"));
  CHECK(both.at("title") == "From JSON-LD");
  CHECK(both.at("price") == "60");
  CHECK_FALSE(both.contains("sale"));
  CHECK(both.at("image_url").size() == 2);
  CHECK(read("<meta property=og:type content=article><meta property=og:title content=x>").items.empty());
}

TEST_CASE("structured data: a script that cannot be read is told") {
  const auto page =
      read(ld("{\"@type\": \"Product\", ") + ld(R"({"@type": "Product", "name": "Whole", "sku": "1"})"));
  REQUIRE(page.warnings.size() == 1);
  CHECK(page.warnings.front().find("JSON-LD script 1") != std::string::npos);
  CHECK(page.items.size() == 1);
}

TEST_CASE("structured product: the handle in an address") {
  using scrape::handle_in_address;
  CHECK(handle_in_address("https://a.b/collections/all/products/blue-shirt?variant=1#x") == "blue-shirt");
  CHECK(handle_in_address("https://a.b/eu/en/jacket/B1234-900.html") == "B1234-900");
  CHECK(handle_in_address("https://a.b/products/x/reviews") == "x");
  CHECK(handle_in_address("/p/kleid%20rot/") == "kleid rot");
  CHECK(handle_in_address("https://a.b/").empty());
}
