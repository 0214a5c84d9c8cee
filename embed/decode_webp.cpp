#include <webp/decode.h>
#include <webp/demux.h>

#include "embed/decode.hpp"

namespace catwalk::embed {
namespace {

std::string words_of(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "WebP: out of memory";
    case VP8_STATUS_BITSTREAM_ERROR:
      return "WebP: bitstream error";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "WebP: unsupported feature";
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "WebP: not enough data, the file breaks off";
    default:
      return "WebP: cannot be decoded, status " + std::to_string(static_cast<int>(status));
  }
}

struct anim_decoder_deleter {
  void operator()(WebPAnimDecoder* decoder) const noexcept { WebPAnimDecoderDelete(decoder); }
};

class webp_decoder final : public image_decoder {
 public:
  webp_decoder(std::string_view bytes, std::string_view name)
      : data_(reinterpret_cast<const std::uint8_t*>(bytes.data())), size_(bytes.size()), name_(name) {}

  result<image_header> read_header() override {
    if (const auto status = WebPGetFeatures(data_, size_, &features_); status != VP8_STATUS_OK)
      return decode_error(errc::broken_image, name_, words_of(status));
    const auto pixels =
        static_cast<std::size_t>(features_.width) * static_cast<std::size_t>(features_.height);
    image_header header;
    header.format = image_format::webp;
    header.width = features_.width;
    header.height = features_.height;
    // Lossless pictures are held as 32-bit pixels; an animation has two canvases and a frame that may be
    // lossless.
    constexpr int lossy = 1;
    header.decode_bytes = pixels * 3;
    if (features_.has_animation)
      header.decode_bytes += pixels * 12;
    else if (features_.format != lossy)
      header.decode_bytes += pixels * 4;
    return header;
  }

  result<void> decode(std::uint8_t* rgb) override {
    return features_.has_animation ? decode_first_frame(rgb) : decode_still(rgb);
  }

 private:
  result<void> decode_still(std::uint8_t* rgb) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
      return decode_error(errc::internal, name_, "libwebp's headers and library differ in version");
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = rgb;
    config.output.u.RGBA.stride = features_.width * 3;
    config.output.u.RGBA.size =
        static_cast<std::size_t>(features_.width) * 3 * static_cast<std::size_t>(features_.height);
    const auto status = WebPDecode(data_, size_, &config);
    WebPFreeDecBuffer(&config.output);
    if (status != VP8_STATUS_OK) return decode_error(errc::broken_image, name_, words_of(status));
    return {};
  }

  /// The first frame on a transparent canvas, as browsers and Pillow show it.
  result<void> decode_first_frame(std::uint8_t* rgb) {
    WebPAnimDecoderOptions options;
    if (!WebPAnimDecoderOptionsInit(&options))
      return decode_error(errc::internal, name_, "libwebp's headers and library differ in version");
    options.color_mode = MODE_RGBA;
    const WebPData data{data_, size_};
    const std::unique_ptr<WebPAnimDecoder, anim_decoder_deleter> decoder(WebPAnimDecoderNew(&data, &options));
    std::uint8_t* canvas = nullptr;
    int timestamp = 0;
    if (!decoder || !WebPAnimDecoderGetNext(decoder.get(), &canvas, &timestamp))
      return decode_error(errc::broken_image, name_, "WebP: the animation's first frame cannot be decoded");
    const auto pixels =
        static_cast<std::size_t>(features_.width) * static_cast<std::size_t>(features_.height);
    for (std::size_t i = 0; i < pixels; ++i, canvas += 4, rgb += 3) {
      rgb[0] = canvas[0];
      rgb[1] = canvas[1];
      rgb[2] = canvas[2];
    }
    return {};
  }

  const std::uint8_t* data_;
  std::size_t size_;
  std::string_view name_;
  WebPBitstreamFeatures features_{};
};

}  // namespace

std::unique_ptr<image_decoder> make_webp_decoder(std::string_view bytes, std::string_view name) {
  return std::make_unique<webp_decoder>(bytes, name);
}

}  // namespace catwalk::embed
