#include "embed/picture_view.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "embed/exif.hpp"

namespace catwalk::embed {
namespace {

decoded_image blank(int width, int height) {
  decoded_image image;
  image.width = width;
  image.height = height;
  image.pixels = std::make_unique_for_overwrite<std::uint8_t[]>(image.size_bytes());
  return image;
}

result<decoded_image> cropped(const decoded_image& image, const crop_box& box, std::string_view name) {
  const auto edge = [](int from, int size, int limit) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(from) + size, 0, limit);
  };
  const int left = std::clamp(box.x, 0, image.width), top = std::clamp(box.y, 0, image.height);
  const int width = static_cast<int>(edge(box.x, std::max(box.width, 0), image.width)) - left;
  const int height = static_cast<int>(edge(box.y, std::max(box.height, 0), image.height)) - top;
  if (width <= 0 || height <= 0)
    return error{errc::invalid_argument, "cannot crop image", std::string(name),
                 "the crop shows nothing of a picture of " + std::to_string(image.width) + "x" +
                     std::to_string(image.height) + " pixels",
                 "crop is [x, y, width, height] in pixels"};
  auto part = blank(width, height);
  const auto row = static_cast<std::size_t>(width) * 3;
  for (int y = 0; y < height; ++y) {
    const auto from = (static_cast<std::size_t>(top + y) * static_cast<std::size_t>(image.width) +
                       static_cast<std::size_t>(left)) *
                      3;
    std::memcpy(part.pixels.get() + static_cast<std::size_t>(y) * row, image.pixels.get() + from, row);
  }
  return part;
}

}  // namespace

decoded_image turned(decoded_image image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const int w = image.width, h = image.height;
  const bool sideways = orientation >= 5;
  auto out = blank(sideways ? h : w, sideways ? w : h);
  auto* to = out.pixels.get();
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x, to += 3) {
      int from_x = sideways ? y : x, from_y = sideways ? x : y;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
        from_x = w - 1 - from_x;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
        from_y = h - 1 - from_y;
      const auto at =
          static_cast<std::size_t>(from_y) * static_cast<std::size_t>(w) + static_cast<std::size_t>(from_x);
      std::memcpy(to, image.pixels.get() + at * 3, 3);
    }
  }
  return out;
}

result<decoded_image> seen(decoded_image image, std::string_view bytes, const picture_view& view,
                           std::string_view name) {
  if (view.upright) image = turned(std::move(image), exif_orientation(bytes));
  if (view.crop) return cropped(image, *view.crop, name);
  return image;
}

}  // namespace catwalk::embed
