#include "core/product.hpp"

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
