#include "embed/picture_view.hpp"

#include <cstring>
#include <string>

#include "embed/exif.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using namespace catwalk::embed;

namespace {

/// A picture whose pixels are letters, row by row.
decoded_image picture(int width, int height, const std::string& letters) {
  decoded_image image;
  image.width = width;
  image.height = height;
  image.pixels = std::make_unique<std::uint8_t[]>(image.size_bytes());
  for (std::size_t i = 0; i < letters.size(); ++i) std::memset(image.pixels.get() + 3 * i, letters[i], 3);
  return image;
}

std::string letters(const decoded_image& image) {
  std::string text;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x)
      text += static_cast<char>(image.pixels[static_cast<std::size_t>((y * image.width + x) * 3)]);
    text += '/';
  }
  return text;
}

std::string tiff(int orientation, bool little) {
  std::string t =
      little ? std::string("II\x2a\0\x08\0\0\0\x01\0", 10) : std::string("MM\0\x2a\0\0\0\x08\0\x01", 10);
  const char o = static_cast<char>(orientation);
  t += little ? std::string("\x12\x01\x03\0\x01\0\0\0", 8) + std::string{o, 0, 0, 0}
              : std::string("\x01\x12\0\x03\0\0\0\x01", 8) + std::string{0, o, 0, 0};
  return t + std::string(4, '\0');
}

std::string big_endian(std::size_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 255U);
  return text;
}

std::string jpeg(const std::string& exif) {
  const std::string app1 = std::string("Exif\0\0", 6) + exif;
  const std::string comment(
      "\xff\xfe\0\x06"
      "abcd",
      8);
  return "\xff\xd8\xff" + comment.substr(1) + "\xff\xe1" + big_endian(app1.size() + 2, 2) + app1 +
         std::string("\xff\xda\0\x02", 4);
}

}  // namespace

TEST_CASE("a picture is turned as EXIF's eight orientations say") {
  // The letter F, as the eight pictures in EXIF's own explanation: each, turned, is the first.
  const auto turn = [](int width, int height, const char* rows, int orientation) {
    return letters(turned(picture(width, height, rows), orientation));
  };
  CHECK(turn(2, 3, "abcdef", 1) == "ab/cd/ef/");
  CHECK(turn(2, 3, "badcfe", 2) == "ab/cd/ef/");
  CHECK(turn(2, 3, "fedcba", 3) == "ab/cd/ef/");
  CHECK(turn(2, 3, "efcdab", 4) == "ab/cd/ef/");
  CHECK(turn(3, 2, "acebdf", 5) == "ab/cd/ef/");
  CHECK(turn(3, 2, "bdface", 6) == "ab/cd/ef/");
  CHECK(turn(3, 2, "fdbeca", 7) == "ab/cd/ef/");
  CHECK(turn(3, 2, "ecafdb", 8) == "ab/cd/ef/");
  CHECK(turn(2, 1, "ab", 9) == "ab/");
}

TEST_CASE("the orientation is read from either byte order and survives any cut") {
  for (const bool little : {true, false}) {
    for (int orientation = 1; orientation <= 8; ++orientation)
      CHECK(exif_orientation(jpeg(tiff(orientation, little))) == orientation);
    CHECK(exif_orientation(jpeg(tiff(9, little))) == 1);
    CHECK(exif_orientation(jpeg(tiff(0, little))) == 1);
    const auto whole = jpeg(tiff(6, little));
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const auto read = exif_orientation(std::string_view(whole).substr(0, length));
      CHECK((read == 1 || read == 6));
    }
  }
  const std::string png = "\x89PNG\r\n\x1a\n" + big_endian(26, 4) + "eXIf" + tiff(8, false) + "crc.";
  CHECK(exif_orientation(png) == 8);
  CHECK(exif_orientation("") == 1);
  CHECK(exif_orientation("GIF89a") == 1);
}

TEST_CASE("a crop ends at the picture's edge, and one that shows nothing is an error") {
  const auto crop = [](crop_box box) -> std::string {
    auto part = seen(picture(3, 2, "abcdef"), "", {false, box}, "p");
    if (!part) return part.error().why;
    return letters(*part);
  };
  CHECK(crop({0, 0, 3, 2}) == "abc/def/");
  CHECK(crop({1, 0, 1, 2}) == "b/e/");
  CHECK(crop({1, 1, 100, 100}) == "ef/");
  CHECK(crop({-1, -1, 2, 2}) == "a/");
  CHECK(crop({2, 1, 2147483647, 2147483647}) == "f/");
  for (const crop_box nothing :
       {crop_box{3, 0, 1, 1}, {0, 2, 1, 1}, {0, 0, 0, 1}, {0, 0, 1, -5}, {-5, 0, 5, 1}})
    CHECK(crop(nothing).find("3x2") != std::string::npos);
}

TEST_CASE("turning comes before cropping") {
  const auto bytes = jpeg(tiff(6, true));
  const auto part = seen(picture(3, 2, "bdface"), bytes, {true, crop_box{0, 0, 2, 1}}, "p");
  REQUIRE(part);
  CHECK(letters(*part) == "ab/");
}
