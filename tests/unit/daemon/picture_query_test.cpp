#include "daemon/picture_query.hpp"

#include "core/base64.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using namespace catwalk::daemon;

namespace {

picture_query read(std::string_view body, std::string_view type = "application/json") {
  auto query = read_picture_query(type, body);
  REQUIRE(query);
  return *query;
}

std::string refused(std::string_view body, std::string_view type = "application/json") {
  const auto query = read_picture_query(type, body);
  return query ? "" : query.error().why;
}

}  // namespace

TEST_CASE("base64 is read in every spelling, and nothing else is") {
  // RFC 4648, 10.
  for (const auto& [bytes, text] : {std::pair("", ""),
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}}) {
    CHECK(base64_encode(bytes) == text);
    CHECK(base64_decode(text) == bytes);
  }
  CHECK(base64_decode("Zm9vYg") == "foob");
  CHECK(base64_decode("Zm 9v\r\nYg==\n") == "foob");
  CHECK(base64_decode("-_-_") == base64_decode("+/+/"));
  for (const auto* wrong : {"Z", "Zg=", "Zg===", "Zm9v=", "Zg==Zg==", "Zm9v!", "=", "Zm9vY"})
    CHECK_FALSE(base64_decode(wrong));
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(base64_decode(base64_encode(all)) == all);
}

TEST_CASE("the predecessor's request is an address, taken as the catalogue takes its pictures") {
  const auto query = read(R"({"image": "https://shop.example/a.jpg", "type": "url"})", "text/plain");
  CHECK(query.address == "https://shop.example/a.jpg");
  CHECK(query.bytes.empty());
  CHECK(query.view.whole());
}

TEST_CASE("bytes come as base64 or as a data address, and upright unless told otherwise") {
  CHECK(read(R"({"image": "Zm9v", "type": "base64"})").bytes == "foo");
  CHECK(read(R"({"image": "data:image/jpeg;base64,Zm9v", "type": "base64"})").bytes == "foo");
  CHECK(read(R"({"image": "data:image/jpeg;base64,Zm9v", "type": "url"})").bytes == "foo");
  CHECK(read(R"({"image": "Zm9v"})").bytes == "foo");
  CHECK(read(R"({"image": "http://x.example/"})").address == "http://x.example/");
  CHECK(read(R"({"image": "Zm9v"})").view.upright);
  CHECK_FALSE(read(R"({"image": "Zm9v", "exif": false})").view.upright);
  CHECK(read(R"({"image": "http://x.example/", "exif": true})").view.upright);
  const auto crop = read(R"({"image": "Zm9v", "crop": [1, 2.9, 30, 40]})").view.crop;
  REQUIRE(crop);
  CHECK(crop->x == 1);
  CHECK(crop->y == 2);
  CHECK(crop->width == 30);
  CHECK(crop->height == 40);
}

TEST_CASE("a form is a file with fields") {
  const std::string type = "multipart/form-data; boundary=B";
  const auto part = [](const std::string& name, const std::string& value) {
    return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  };
  const auto query =
      read(part("image", "bytes") + part("exif", "0") + part("crop", "1,2,3,4") + "--B--", type);
  CHECK(query.bytes == "bytes");
  CHECK_FALSE(query.view.upright);
  CHECK(query.view.crop->height == 4);
  CHECK(read(part("file", "bytes") + part("crop", "[1,2,3,4]") + "--B--", type).view.crop->width == 3);
  CHECK(refused(part("exif", "1") + "--B--", type) == "there is no image");
  CHECK(refused(part("image", "x") + part("exif", "maybe") + "--B--", type) ==
        "exif is neither true nor false");
  CHECK(refused(part("image", "x") + part("crop", "1,2") + "--B--", type).starts_with("crop is not"));
  CHECK(refused(part("image", "x") + part("colour", "1") + "--B--", type) == "there is no field colour");
}

TEST_CASE("what is no request is refused with the reason") {
  CHECK(refused("") == "the body is not a JSON object");
  CHECK(refused("[]") == "the body is not a JSON object");
  CHECK(refused("{}") == "there is no image");
  CHECK(refused(R"({"image": 7})") == "there is no image");
  CHECK(refused(R"({"image": "x", "type": "path"})") == "type is neither url nor base64");
  CHECK(refused(R"({"image": "x", "type": 1})") == "type is neither url nor base64");
  CHECK(refused(R"({"image": "file:///etc/passwd", "type": "url"})") ==
        "image is not an http or https address");
  CHECK(refused(R"({"image": "", "type": "base64"})") == "image is not base64");
  CHECK(refused(R"({"image": "a b?", "type": "base64"})") == "image is not base64");
  CHECK(refused(R"({"image": "data:image/png,abc"})") == "a data: address that is not base64");
  for (const auto* crop : {"[1,2,3]", "[1,2,3,4,5]", "7", "[1,2,3,\"4\"]", "[1,2,3,1e300]", "{}"})
    CHECK(refused(R"({"image": "Zm9v", "crop": )" + std::string(crop) + "}").starts_with("crop is not"));
}
