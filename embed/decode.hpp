#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "embed/image.hpp"

namespace catwalk::embed {

/// One picture in the hands of one codec. `read_header` comes first and once, then `decode` or `decode_by_rows`.
/// The bytes and the name outlive the decoder. Errors are complete (code, name, the codec's words).
class image_decoder {
 public:
  virtual ~image_decoder() = default;
  /// What the header claims; allocates nothing of the picture's size.
  virtual result<image_header> read_header() = 0;
  /// Between the two: from here on decodes at the smallest scale it has that leaves `edge` pixels on the
  /// shorter edge. nullopt, and nothing changes, where there is none.
  virtual std::optional<decoded_image> scale_down(double /*edge*/) { return std::nullopt; }
  /// Writes width * height * 3 bytes of RGB. On failure their content is undefined.
  virtual result<void> decode(std::uint8_t* rgb) = 0;
  /// Whether it has `decode_by_rows`: it does not hold the picture itself.
  virtual bool gives_rows() const noexcept { return false; }
  /// Hands every row over as it is decoded. On failure some may have gone.
  virtual result<void> decode_by_rows(row_taker& /*rows*/) { return {}; }
};

std::unique_ptr<image_decoder> make_jpeg_decoder(std::string_view bytes, std::string_view name,
                                                 const decode_limits& limits);
std::unique_ptr<image_decoder> make_png_decoder(std::string_view bytes, std::string_view name);
std::unique_ptr<image_decoder> make_webp_decoder(std::string_view bytes, std::string_view name);
std::unique_ptr<image_decoder> make_gif_decoder(std::string_view bytes, std::string_view name);
std::unique_ptr<image_decoder> make_bmp_decoder(std::string_view bytes, std::string_view name);
std::unique_ptr<image_decoder> make_avif_decoder(std::string_view bytes, std::string_view name,
                                                 const decode_limits& limits);

/// The error of a picture that cannot be decoded, for all codecs alike.
error decode_error(errc code, std::string_view name, std::string why);

}  // namespace catwalk::embed
