#pragma once
#include <string>
#include <string_view>

namespace catwalk::embed {

/// A picture's format by its first bytes, whatever its name or Content-Type say.
enum class image_format {
  unknown,
  jpeg,
  png,
  webp,
  avif,
  heif,
  gif,
  bmp,
  tiff,
  jpeg_xl,
  jpeg_2000,
  ico,
  psd
};

/// The format of `bytes`, or `unknown` for everything that is not a picture.
image_format detect_image_format(std::string_view bytes) noexcept;

/// The format's usual name, as "JPEG".
std::string_view name_of(image_format format) noexcept;

/// What bytes that are no picture look like, in words for an error: "an HTML page", "a video (MP4)",
/// "bytes of no known format, starting 01 02 03 04".
std::string describe_non_image(std::string_view bytes);

}  // namespace catwalk::embed
