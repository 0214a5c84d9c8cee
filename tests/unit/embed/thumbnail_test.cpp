#include "embed/thumbnail.hpp"

#include "embed/decode.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/embed/image_samples.hpp"

using namespace catwalk;
using namespace catwalk::embed;

namespace {

std::pair<int, int> size_of_thumbnail(int width, int height) {
  const auto made =
      make_thumbnail(samples::jpeg(samples::draw(width, height), width, height), "p.jpg", {}, {});
  REQUIRE(made);
  const auto header = read_image_header(*made, "thumbnail", {});
  REQUIRE(header);
  CHECK(header->format == image_format::webp);
  return {header->width, header->height};
}

}  // namespace

TEST_CASE("a thumbnail keeps the picture's proportions and does not enlarge it") {
  CHECK(size_of_thumbnail(1000, 1500) == std::pair{320, 480});
  CHECK(size_of_thumbnail(1000, 1000) == std::pair{320, 320});
  CHECK(size_of_thumbnail(100, 50) == std::pair{100, 50});
  CHECK(size_of_thumbnail(2000, 3) == std::pair{320, 1});
}

TEST_CASE("a thumbnail shows what the picture shows") {
  const std::vector<std::uint8_t> red_over_blue = [] {
    std::vector<std::uint8_t> rgb;
    for (int i = 0; i < 640 * 640; ++i) {
      const bool upper = i < 640 * 320;
      rgb.insert(rgb.end(),
                 {static_cast<std::uint8_t>(upper ? 250 : 5), 5, static_cast<std::uint8_t>(upper ? 5 : 250)});
    }
    return rgb;
  }();
  const auto made = make_thumbnail(samples::png(red_over_blue, 640, 640), "p.png", {}, {});
  REQUIRE(made);
  const auto seen = decode_image(*made, "thumbnail", {});
  REQUIRE(seen);
  const auto* upper = seen->pixels.get() + (40 * seen->width + 40) * 3;
  const auto* lower = seen->pixels.get() + (280 * seen->width + 40) * 3;
  CHECK(upper[0] > 200);
  CHECK(upper[2] < 60);
  CHECK(lower[0] < 60);
  CHECK(lower[2] > 200);
}

TEST_CASE("what the pipeline would refuse makes no thumbnail") {
  CHECK(make_thumbnail("<html>", "p", {}, {}).error().code == errc::not_an_image);
  const auto picture = samples::jpeg(samples::draw(400, 400), 400, 400);
  CHECK(make_thumbnail(std::string_view(picture).substr(0, picture.size() / 2), "p", {}, {}).error().code ==
        errc::broken_image);
  decode_limits small;
  small.max_pixels = 1000;
  CHECK(make_thumbnail(picture, "p", small, {}).error().code == errc::too_large);
}
