#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "embed/image.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/embed/image_samples.hpp"

namespace catwalk::embed {
namespace {

std::vector<std::uint8_t> pixels_of(const decoded_image& image) {
  return {image.pixels.get(), image.pixels.get() + image.size_bytes()};
}

int largest_difference(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  REQUIRE(a.size() == b.size());
  int largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

error failure(std::string_view bytes, const decode_limits& limits = {}) {
  auto image = decode_image(bytes, "http://shop/a.jpg", limits);
  REQUIRE_FALSE(image.has_value());
  CHECK(image.error().on == "http://shop/a.jpg");
  CHECK_FALSE(image.error().why.empty());
  return image.error();
}

TEST_CASE("lossless formats decode to the pixels that went in") {
  const auto rgb = samples::draw(61, 43);
  for (const auto& bytes : {samples::png(rgb, 61, 43), samples::webp(rgb, 61, 43), samples::bmp(rgb, 61, 43),
                            samples::avif(rgb, 61, 43)}) {
    const auto image = decode_image(bytes, "drawn", {});
    REQUIRE(image.has_value());
    CHECK(image->width == 61);
    CHECK(image->height == 43);
    CHECK(pixels_of(*image) == rgb);
  }
}

TEST_CASE("a JPEG decodes close to what went in, sequential and progressive alike") {
  // Without a hard edge, whose colour subsampling would blur.
  std::vector<std::uint8_t> rgb;
  for (int y = 0; y < 50; ++y)
    for (int x = 0; x < 70; ++x)
      for (const int value : {x * 3, y * 4, 100}) rgb.push_back(static_cast<std::uint8_t>(value));
  const auto sequential = decode_image(samples::jpeg(rgb, 70, 50), "drawn", {});
  const auto progressive = decode_image(samples::jpeg(rgb, 70, 50, 3, true), "drawn", {});
  REQUIRE(sequential.has_value());
  REQUIRE(progressive.has_value());
  CHECK(largest_difference(pixels_of(*sequential), rgb) < 12);
  CHECK(pixels_of(*sequential) == pixels_of(*progressive));
}

TEST_CASE("grey pictures become RGB of equal channels") {
  const auto image = decode_image(samples::jpeg({10, 200, 30, 90}, 2, 2, 1), "drawn", {});
  REQUIRE(image.has_value());
  for (std::size_t i = 0; i < image->size_bytes(); i += 3) {
    CHECK(image->pixels[i] == image->pixels[i + 1]);
    CHECK(image->pixels[i] == image->pixels[i + 2]);
  }
}

TEST_CASE("a CMYK JPEG is inverted, as Adobe writes it") {
  // Stored 255 is no ink: white, then full black, then no red but the rest.
  std::vector<std::uint8_t> cmyk;
  for (int i = 0; i < 64; ++i) cmyk.insert(cmyk.end(), {0, 255, 255, 255});
  const auto image = decode_image(samples::jpeg(cmyk, 8, 8, 4), "drawn", {});
  REQUIRE(image.has_value());
  CHECK(image->pixels[0] <= 3);
  CHECK(image->pixels[1] >= 252);
  CHECK(image->pixels[2] >= 252);
}

TEST_CASE("alpha is dropped, not blended") {
  const auto image = decode_image(samples::png({200, 100, 50, 0}, 1, 1, PNG_FORMAT_RGBA), "drawn", {});
  REQUIRE(image.has_value());
  CHECK(pixels_of(*image) == std::vector<std::uint8_t>{200, 100, 50});
}

TEST_CASE("a picture that breaks off is broken, in the codec's words") {
  const auto rgb = samples::draw(120, 90);
  struct format {
    std::string bytes;
    std::string words;
  };
  for (const auto& [bytes, words] :
       {format{samples::jpeg(rgb, 120, 90), "Premature end of JPEG file"},
        format{samples::jpeg(rgb, 120, 90, 3, true), "Premature end of JPEG file"},
        format{samples::png(rgb, 120, 90), "breaks off"}, format{samples::webp(rgb, 120, 90), "breaks off"},
        format{samples::bmp(rgb, 120, 90), "breaks off"}, format{samples::avif(rgb, 120, 90), "truncated"},
        format{samples::gif(std::vector<std::uint8_t>(120 * 90, 7), 120, 90, 120, 90), "breaks off"}}) {
    for (const double part : {0.3, 0.6, 0.9}) {
      const auto e = failure(std::string_view(bytes).substr(
          0, static_cast<std::size_t>(static_cast<double>(bytes.size()) * part)));
      CHECK(e.code == errc::broken_image);
      CHECK_THAT(e.why, Catch::Contains(words));
    }
  }
}

TEST_CASE("a corrupt JPEG is broken, not grey from there on") {
  auto bytes = samples::jpeg(samples::draw(200, 200), 200, 200);
  // An end marker in the middle of the pixels.
  bytes[bytes.size() / 2] = static_cast<char>(0xff);
  bytes[bytes.size() / 2 + 1] = static_cast<char>(0xd9);
  CHECK(failure(bytes).code == errc::broken_image);
}

TEST_CASE("what follows the pixels of a JPEG does not matter") {
  const auto rgb = samples::draw(64, 64);
  const auto bytes = samples::jpeg(rgb, 64, 64);
  const auto plain = decode_image(bytes, "drawn", {});
  const auto trailed = decode_image(bytes + "trailing bytes of a camera", "drawn", {});
  REQUIRE(plain.has_value());
  REQUIRE(trailed.has_value());
  CHECK(pixels_of(*plain) == pixels_of(*trailed));
}

TEST_CASE("the header's claim is checked before decoding") {
  auto bytes = samples::jpeg(samples::draw(16, 16), 16, 16);
  const auto frame = bytes.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  bytes.replace(frame + 5, 4, "\xea\x60\xea\x60");
  const auto e = failure(bytes);
  CHECK(e.code == errc::too_large);
  CHECK_THAT(e.why, Catch::Contains("60000x60000"));

  const auto small = samples::png(samples::draw(100, 100), 100, 100);
  CHECK(failure(small, {.max_pixels = 9'999}).code == errc::too_large);
  CHECK(failure(small, {.max_memory = 30'000}).code == errc::too_large);
  CHECK(decode_image(small, "drawn", {.max_pixels = 10'000}).has_value());
}

TEST_CASE("a progressive JPEG with thousands of scans is refused") {
  // The last scan again and again: some kB that keep a core busy in proportion to the picture's size.
  const auto bytes = samples::jpeg(samples::draw(16, 16), 16, 16, 3, true);
  const auto last = bytes.rfind("\xff\xda");
  REQUIRE(last != std::string::npos);
  const auto scan = bytes.substr(last, bytes.size() - 2 - last);
  const auto repeated = [&](int times) {
    auto bomb = bytes.substr(0, bytes.size() - 2);
    for (int i = 0; i < times; ++i) bomb += scan;
    return bomb + "\xff\xd9";
  };
  CHECK(decode_image(repeated(20), "drawn", {}).has_value());
  const auto e = failure(repeated(1000));
  CHECK(e.code == errc::too_large);
  CHECK_THAT(e.why, Catch::Contains("scans"));
}

TEST_CASE("the header alone tells size and memory") {
  const auto header = read_image_header(samples::jpeg(samples::draw(80, 40), 80, 40, 3, true), "drawn", {});
  REQUIRE(header.has_value());
  CHECK(header->format == image_format::jpeg);
  CHECK(header->width == 80);
  CHECK(header->height == 40);
  // The pixels, and as coefficients one full and two quarter planes of 2 bytes each.
  CHECK(header->decode_bytes >= 80 * 40 * 3 + 80 * 40 * 2);
}

TEST_CASE("a GIF's first frame lies on its screen") {
  std::vector<std::uint8_t> indices;
  for (int i = 0; i < 6 * 4; ++i) indices.push_back(static_cast<std::uint8_t>(i % 16));
  const auto image = decode_image(samples::gif(indices, 6, 4, 10, 9, 3, 2), "drawn", {});
  REQUIRE(image.has_value());
  CHECK(image->width == 10);
  CHECK(image->height == 9);
  const auto pixel = [&](int x, int y) {
    const auto* at = image->pixels.get() + (y * image->width + x) * 3;
    return std::vector<int>{at[0], at[1], at[2]};
  };
  CHECK(pixel(0, 0) == std::vector<int>{0, 0, 255});
  CHECK(pixel(4, 2) == std::vector<int>{17, 17, 238});
  CHECK(pixel(8, 5) == std::vector<int>{7 * 17, 7 * 17, 255 - 7 * 17});
  CHECK(pixel(9, 5) == std::vector<int>{0, 0, 255});
  // A frame that reaches beyond the screen enlarges it.
  const auto larger = read_image_header(samples::gif(indices, 6, 4, 5, 5, 3, 2), "drawn", {});
  REQUIRE(larger.has_value());
  CHECK(larger->width == 9);
  CHECK(larger->height == 6);
}

TEST_CASE("what is not an image is named") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "0 bytes"},
      {"<!DOCTYPE html><title>Not found</title>", "HTML"},
      {"\xef\xbb\xbf  <html lang=cs>", "HTML"},
      {"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>", "SVG"},
      {"{\"error\": \"not found\"}", "JSON"},
      {std::string("\0\0\0\x18"
                   "ftypmp42\0\0\0\0",
                   16),
       "video"},
      {"\x1a\x45\xdf\xa3 webm", "video"},
      {"Access denied", "Access denied"},
      {"\x01\x02\x03\x04", "01 02 03 04"},
  };
  for (const auto& [bytes, words] : cases) {
    const auto e = failure(bytes);
    CHECK(e.code == errc::not_an_image);
    CHECK_THAT(e.why, Catch::Contains(words));
  }
}

TEST_CASE("formats that are not decoded are named") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {std::string("\0\0\0\x1c"
                   "ftypheic\0\0\0\0mif1heic",
                   24),
       "HEIF"},
      {std::string("II*\0\x08\0\0\0", 8), "TIFF"},
      {"\xff\x0a\xfa\x7f", "JPEG XL"},
  };
  for (const auto& [bytes, words] : cases) {
    const auto e = failure(bytes);
    CHECK(e.code == errc::unsupported_image);
    CHECK_THAT(e.why, Catch::Contains(words));
  }
}

}  // namespace
}  // namespace catwalk::embed
