#include "embed/decode.hpp"

#include <utility>

namespace catwalk::embed {
namespace {

result<std::unique_ptr<image_decoder>> choose_decoder(std::string_view bytes, std::string_view name,
                                                      const decode_limits& limits) {
  const auto format = detect_image_format(bytes);
  switch (format) {
    case image_format::jpeg:
      return make_jpeg_decoder(bytes, name, limits);
    case image_format::png:
      return make_png_decoder(bytes, name);
    case image_format::webp:
      return make_webp_decoder(bytes, name);
    case image_format::gif:
      return make_gif_decoder(bytes, name);
    case image_format::bmp:
      return make_bmp_decoder(bytes, name);
    case image_format::avif:
      return make_avif_decoder(bytes, name, limits);
    case image_format::unknown:
      return decode_error(errc::not_an_image, name, "not an image but " + describe_non_image(bytes));
    default:
      return decode_error(errc::unsupported_image, name,
                          std::string(name_of(format)) + " images are not supported");
  }
}

result<void> check_limits(const image_header& header, std::string_view name, const decode_limits& limits) {
  const auto pixels = static_cast<std::uint64_t>(header.width) * static_cast<std::uint64_t>(header.height);
  const auto claim = std::string(name_of(header.format)) + " of " + std::to_string(header.width) + "x" +
                     std::to_string(header.height) + " pixels";
  if (pixels > limits.max_pixels) {
    auto e = decode_error(errc::too_large, name,
                          claim + " is more than the limit of " + std::to_string(limits.max_pixels));
    e.hint = "fetch.images.max_pixels sets the limit";
    return e;
  }
  if (header.decode_bytes > limits.max_memory) {
    auto e =
        decode_error(errc::too_large, name,
                     claim + " takes " + std::to_string(header.decode_bytes) +
                         " bytes to decode, more than the limit of " + std::to_string(limits.max_memory));
    e.hint = "embed.decode_memory sets the limit";
    return e;
  }
  return {};
}

/// The decoder with its header read and found within the limits.
result<std::pair<std::unique_ptr<image_decoder>, image_header>> open_image(std::string_view bytes,
                                                                           std::string_view name,
                                                                           const decode_limits& limits) {
  auto decoder = choose_decoder(bytes, name, limits);
  if (!decoder) return decoder.error();
  auto header = (*decoder)->read_header();
  if (!header) return header.error();
  if (auto within = check_limits(*header, name, limits); !within) return within.error();
  return std::pair{std::move(*decoder), *header};
}

}  // namespace

error decode_error(errc code, std::string_view name, std::string why) {
  error e;
  e.code = code;
  e.what = "cannot decode image";
  e.on = name;
  e.why = std::move(why);
  return e;
}

result<image_header> read_image_header(std::string_view bytes, std::string_view name,
                                       const decode_limits& limits) {
  auto opened = open_image(bytes, name, limits);
  if (!opened) return opened.error();
  return opened->second;
}

result<decoded_image> decode_image(std::string_view bytes, std::string_view name,
                                   const decode_limits& limits) {
  return decode_image_for(0, bytes, name, limits);
}

result<decoded_image> decode_image_for(int edge, std::string_view bytes, std::string_view name,
                                       const decode_limits& limits, row_taker* rows) {
  auto opened = open_image(bytes, name, limits);
  if (!opened) return opened.error();
  decoded_image image;
  image.width = opened->second.width;
  image.height = opened->second.height;
  constexpr double margin = 1.5;
  if (edge > 0)
    if (auto smaller = opened->first->scale_down(margin * edge)) image = std::move(*smaller);
  if (rows && opened->first->gives_rows() && rows->begin(image)) {
    if (auto decoded = opened->first->decode_by_rows(*rows); !decoded) return decoded.error();
    return image;
  }
  image.pixels = std::make_unique_for_overwrite<std::uint8_t[]>(image.size_bytes());
  if (auto decoded = opened->first->decode(image.pixels.get()); !decoded) return decoded.error();
  return image;
}

}  // namespace catwalk::embed
