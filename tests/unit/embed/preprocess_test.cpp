#include "embed/preprocess.hpp"

#include <algorithm>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/unit/embed/image_samples.hpp"

namespace catwalk::embed {
namespace {

/// A picture whose red says the column's, green the row's share of the whole, and whose blue is constant.
decoded_image gradient(int width, int height) {
  decoded_image image;
  image.width = width;
  image.height = height;
  image.pixels = std::make_unique<std::uint8_t[]>(image.size_bytes());
  auto* p = image.pixels.get();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      *p++ = static_cast<std::uint8_t>(static_cast<std::int64_t>(x) * 255 / width);
      *p++ = static_cast<std::uint8_t>(static_cast<std::int64_t>(y) * 255 / height);
      *p++ = 77;
    }
  return image;
}

struct square {
  explicit square(const decoded_image& image, preprocess_spec s = {}) : spec(s), pixels(spec.input_bytes()) {
    REQUIRE(preprocess_into(image, spec, pixels.data()).has_value());
  }
  int at(int channel, int y, int x) const {
    return pixels[static_cast<std::size_t>((channel * spec.size + y) * spec.size + x)];
  }
  preprocess_spec spec;
  std::vector<std::uint8_t> pixels;
};

TEST_CASE("a picture of the model's size passes unchanged, as planes") {
  const auto image = gradient(224, 224);
  const square s(image);
  for (int y = 0; y < 224; y += 13)
    for (int x = 0; x < 224; x += 17)
      for (int c = 0; c < 3; ++c)
        CHECK(s.at(c, y, x) == image.pixels[static_cast<std::size_t>((y * 224 + x) * 3 + c)]);
}

TEST_CASE("the crop starts at half the surplus, rounded down") {
  // 224 x 227 keeps its pixels; three rows are surplus, of which one goes above.
  const auto image = gradient(224, 227);
  const square s(image);
  CHECK(s.at(1, 0, 0) == image.pixels[224 * 3 + 1]);
  CHECK(s.at(1, 223, 0) == image.pixels[224 * 224 * 3 + 1]);
}

TEST_CASE("the centre is what is left of a wide and of a high picture") {
  const square wide(gradient(3000, 500));
  CHECK(wide.at(0, 100, 112) == Approx(127).margin(2));
  CHECK(wide.at(0, 100, 0) == Approx(127.0 - 255.0 * 250 / 3000).margin(2));
  CHECK(wide.at(1, 0, 0) <= 1);
  CHECK(wide.at(1, 223, 0) >= 252);
  const square high(gradient(500, 3000));
  CHECK(high.at(1, 112, 100) == Approx(127).margin(2));
  CHECK(high.at(0, 0, 223) >= 252);
  CHECK(high.at(2, 5, 5) == 77);
}

TEST_CASE("extreme shapes cost what their own pixels cost") {
  // Resized whole, each of these would be 224 x 14,560,000 pixels, 10 GB.
  const square high(gradient(1, 65'000));
  CHECK(high.at(1, 112, 0) == 127);
  CHECK(high.at(2, 0, 223) == 77);
  const square wide(gradient(65'000, 1));
  CHECK(wide.at(0, 0, 112) == 127);
  const square dot(gradient(1, 1));
  CHECK(dot.at(2, 223, 223) == 77);
}

TEST_CASE("averaging covers every input pixel when shrinking") {
  // Columns alternate between black and white: without antialiasing some outputs would be either.
  auto image = gradient(2240, 2240);
  for (std::size_t i = 0; i < image.size_bytes(); ++i) image.pixels[i] = i / 3 % 2 ? 255 : 0;
  const square s(image);
  for (int x = 0; x < 224; ++x) CHECK(s.at(0, 100, x) == Approx(127.5).margin(4));
}

TEST_CASE("other sizes and the other filter") {
  const auto image = gradient(300, 400);
  const square large(image, {.size = 336});
  CHECK(large.at(0, 0, 335) >= 250);
  CHECK(large.pixels.size() == 3 * 336 * 336);
  const square bicubic(image);
  const square bilinear(image, {.filter = interpolation::bilinear});
  CHECK(bicubic.pixels != bilinear.pixels);
}

TEST_CASE("an empty picture is refused") {
  decoded_image image;
  std::vector<std::uint8_t> out(preprocess_spec{}.input_bytes());
  const auto done = preprocess_into(image, {}, out.data());
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == errc::invalid_argument);
}

TEST_CASE("normalising is CLIP's, channel by channel") {
  const preprocess_spec spec{.size = 1};
  const std::vector<std::uint8_t> in{0, 128, 255};
  std::vector<float> out(3);
  normalise(in.data(), spec, out.data());
  CHECK(out[0] == Approx(-0.48145466 / 0.26862954));
  CHECK(out[1] == Approx((128.0 / 255 - 0.4578275) / 0.26130258));
  CHECK(out[2] == Approx((1 - 0.40821073) / 0.27577711));
}

/// The square of a JPEG that is held whole, and of its rows as they come.
struct both_ways {
  both_ways(const std::string& bytes, const preprocess_spec& spec, int edge = 0)
      : whole(spec.input_bytes()), by_rows(spec.input_bytes()) {
    const auto image = decode_image_for(edge, bytes, "drawn", {}).value();
    REQUIRE(preprocess_into(image, spec, whole.data()).has_value());
    row_preprocessor rows(spec);
    const auto streamed = decode_image_for(edge, bytes, "drawn", {}, &rows).value();
    CHECK(streamed.width == image.width);
    CHECK(streamed.scale.has_value() == image.scale.has_value());
    held = streamed.pixels != nullptr;
    if (held)
      REQUIRE(preprocess_into(streamed, spec, by_rows.data()).has_value());
    else
      rows.finish(by_rows.data());
  }
  std::vector<std::uint8_t> whole, by_rows;
  bool held = false;
};

TEST_CASE("a JPEG's rows come to the same square as the JPEG") {
  for (const auto& [width, height] :
       std::vector<std::pair<int, int>>{{600, 900}, {900, 600}, {224, 224}, {100, 50}, {1, 1}, {30, 1}}) {
    CAPTURE(width, height);
    const auto rgb = samples::draw(width, height);
    for (const bool progressive : {false, true}) {
      const auto bytes = samples::jpeg(rgb, width, height, 3, progressive);
      for (const auto fitting : {fit::crop, fit::squash}) {
        preprocess_spec spec;
        spec.fitting = fitting;
        const both_ways made(bytes, spec);
        CHECK(made.by_rows == made.whole);
        CHECK_FALSE(made.held);
      }
    }
    const both_ways scaled(samples::jpeg(rgb, width, height), {}, 64);
    CHECK(scaled.by_rows == scaled.whole);
  }
  // By columns first: it is held.
  const both_ways high(samples::jpeg(samples::draw(300, 3000), 300, 3000), {});
  CHECK(high.held);
  CHECK(high.by_rows == high.whole);
}

TEST_CASE("a JPEG that breaks off is an error also where its rows were taken") {
  const auto bytes = samples::jpeg(samples::draw(600, 900), 600, 900);
  row_preprocessor rows({});
  const auto cut = decode_image_for(0, std::string_view(bytes).substr(0, bytes.size() / 2), "cut", {}, &rows);
  REQUIRE_FALSE(cut.has_value());
  CHECK(cut.error().code == errc::broken_image);
}

}  // namespace
}  // namespace catwalk::embed
