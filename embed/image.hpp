#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "core/error.hpp"
#include "embed/image_format.hpp"

namespace catwalk::embed {

/// What a picture may cost. Both limits are checked against the header's claim, before anything is decoded.
struct decode_limits {
  std::uint64_t max_pixels = 40'000'000;  ///< width times height
  std::size_t max_memory = 256'000'000;   ///< bytes of the pixels and of what the codec needs beside them
};

/// What a picture's header claims.
struct image_header {
  image_format format = image_format::unknown;
  int width = 0;
  int height = 0;
  std::size_t decode_bytes = 0;  ///< memory that decoding takes, pixels included (within some 100 kB)
};

/// How a picture came at a smaller scale than its own: `width` and `height` are its own, and one of its
/// pixels is `eighths` / 8 of those that came. The last column and row that came may reach beyond it.
struct picture_scale {
  int width = 0;
  int height = 0;
  int eighths = 8;
};

/// A picture as 8-bit RGB, interleaved: `pixels[(y * width + x) * 3 + channel]`, rows without padding.
struct decoded_image {
  int width = 0;
  int height = 0;
  std::unique_ptr<std::uint8_t[]> pixels;
  std::optional<picture_scale> scale = {};  ///< nullopt: its own

  /// Its own size, before it was scaled down.
  int full_width() const noexcept { return scale ? scale->width : width; }
  int full_height() const noexcept { return scale ? scale->height : height; }

  std::size_t size_bytes() const noexcept {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  }
};

/// Reads the header alone. `name` is the picture's address or file, for errors.
/// Errors: `not_an_image` (saying what was found), `unsupported_image`, `broken_image`, `too_large`.
result<image_header> read_image_header(std::string_view bytes, std::string_view name,
                                       const decode_limits& limits);

/// Decodes the first frame to what Pillow's `Image.open(...).convert("RGB")` gives: alpha dropped and not
/// blended, palettes looked up, 16-bit grey clamped to 255, 16-bit colour cut to its high byte, CMYK by
/// Pillow's formula, EXIF orientation and colour profiles ignored. Stricter than Pillow where data is
/// missing: a picture that breaks off or whose compressed data is corrupt is `broken_image` with the codec's
/// own words, never half grey. Errors: as `read_image_header`. Thread-safe; takes one core.
result<decoded_image> decode_image(std::string_view bytes, std::string_view name,
                                   const decode_limits& limits);

/// Takes a picture as its rows come, from the top.
class row_taker {
 public:
  virtual ~row_taker() = default;
  /// Before the first row: the picture's size and scale, without pixels. False: it is wanted whole.
  virtual bool begin(const decoded_image& picture) = 0;
  /// One row of interleaved RGB, which is gone afterwards. Throws nothing.
  virtual void take(const std::uint8_t* row) = 0;
};

/// As decode_image(), but a large JPEG comes at 1/2, 1/4 or 1/8 of its size, by libjpeg-turbo's scaled
/// inverse transform, where at least one and a half times `edge` pixels are left on its shorter edge: then
/// what is resized to `edge` has a vector whose cosine with the exact one is 0.9998 and more (over the
/// photographs of the tests; nearer to `edge` it falls below 0.999). All else comes exact. Where the codec
/// gives row by row (JPEG) and `rows` takes them so, the result has no pixels: they went there.
result<decoded_image> decode_image_for(int edge, std::string_view bytes, std::string_view name,
                                       const decode_limits& limits, row_taker* rows = nullptr);

}  // namespace catwalk::embed
