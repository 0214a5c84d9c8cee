#include "embed/thumbnail.hpp"

#include <webp/encode.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgproc.hpp>

namespace catwalk::embed {

namespace {

constexpr float quality = 80;

/// As large as fits into `most`, and no larger than the picture.
cv::Size fitted(const decoded_image& image, thumbnail_size most) {
  const double scale = std::min(
      {1.0, static_cast<double>(most.width) / image.width, static_cast<double>(most.height) / image.height});
  const auto side = [scale](int length) {
    return std::max(1, static_cast<int>(std::lround(length * scale)));
  };
  return {side(image.width), side(image.height)};
}

}  // namespace

result<std::string> make_thumbnail(std::string_view bytes, std::string_view name, const decode_limits& limits,
                                   thumbnail_size most) {
  auto image = decode_image(bytes, name, limits);
  if (!image) return image.error();
  cv::setNumThreads(1);
  const cv::Mat whole(image->height, image->width, CV_8UC3, image->pixels.get());
  cv::Mat small;
  cv::resize(whole, small, fitted(*image, most), 0, 0, cv::INTER_AREA);
  std::uint8_t* encoded = nullptr;
  const auto size =
      WebPEncodeRGB(small.data, small.cols, small.rows, static_cast<int>(small.step), quality, &encoded);
  const std::unique_ptr<std::uint8_t, decltype(&WebPFree)> owner(encoded, &WebPFree);
  if (size == 0)
    return error{errc::internal, "cannot make a thumbnail", std::string(name), "libwebp refuses it", ""};
  return std::string(reinterpret_cast<const char*>(encoded), size);
}

}  // namespace catwalk::embed
