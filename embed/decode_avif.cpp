#include <avif/avif.h>

#include <algorithm>
#include <optional>

#include "embed/avif_container.hpp"
#include "embed/decode.hpp"

namespace catwalk::embed {
namespace {

/// libavif takes no limit above this.
constexpr std::uint64_t most_pixels = AVIF_DEFAULT_IMAGE_SIZE_LIMIT;

struct decoder_deleter {
  void operator()(avifDecoder* decoder) const noexcept { avifDecoderDestroy(decoder); }
};

struct image_deleter {
  void operator()(avifImage* image) const noexcept { avifImageDestroy(image); }
};
using image_ptr = std::unique_ptr<avifImage, image_deleter>;

/// The colour spaces that libyuv converts; libavif computes the others itself, exactly.
bool goes_through_libyuv(const avifImage& image) noexcept {
  switch (image.matrixCoefficients) {
    case AVIF_MATRIX_COEFFICIENTS_BT709:
    case AVIF_MATRIX_COEFFICIENTS_UNSPECIFIED:
    case AVIF_MATRIX_COEFFICIENTS_BT470BG:
    case AVIF_MATRIX_COEFFICIENTS_BT601:
    case AVIF_MATRIX_COEFFICIENTS_BT2020_NCL:
      return true;
    case AVIF_MATRIX_COEFFICIENTS_CHROMA_DERIVED_NCL:
      switch (image.colorPrimaries) {
        case AVIF_COLOR_PRIMARIES_BT709:
        case AVIF_COLOR_PRIMARIES_UNSPECIFIED:
        case AVIF_COLOR_PRIMARIES_BT470BG:
        case AVIF_COLOR_PRIMARIES_BT601:
        case AVIF_COLOR_PRIMARIES_BT2020:
          return true;
        default:
          return false;
      }
    default:
      return false;
  }
}

/// One plane of 10 or 12 bits a sample to its high 8.
void cut_plane(const std::uint8_t* from, std::uint32_t from_stride, std::uint8_t* to, std::uint32_t to_stride,
               std::uint32_t width, std::uint32_t height, std::uint32_t shift) {
  for (std::uint32_t y = 0; y < height; ++y) {
    const auto* samples = reinterpret_cast<const std::uint16_t*>(from + std::size_t{y} * from_stride);
    auto* row = to + std::size_t{y} * to_stride;
    for (std::uint32_t x = 0; x < width; ++x)
      row[x] = static_cast<std::uint8_t>(std::min(samples[x] >> shift, 255));
  }
}

/// A picture of 10 or 12 bits a sample with 8: their digits are cut off before the conversion to RGB, as
/// libavif does since version 1.0, and so Pillow.
image_ptr cut_to_8_bits(const avifImage& image) {
  image_ptr low(avifImageCreate(image.width, image.height, 8, image.yuvFormat));
  if (!low) return nullptr;
  low->yuvRange = image.yuvRange;
  low->yuvChromaSamplePosition = image.yuvChromaSamplePosition;
  low->colorPrimaries = image.colorPrimaries;
  low->transferCharacteristics = image.transferCharacteristics;
  low->matrixCoefficients = image.matrixCoefficients;
  low->alphaPremultiplied = image.alphaPremultiplied;
  const bool alpha = image.alphaPlane != nullptr;
  if (avifImageAllocatePlanes(low.get(), alpha ? AVIF_PLANES_ALL : AVIF_PLANES_YUV) != AVIF_RESULT_OK)
    return nullptr;
  avifPixelFormatInfo chroma;
  avifGetPixelFormatInfo(image.yuvFormat, &chroma);
  const auto shift = image.depth - 8;
  const auto half = [](std::uint32_t size, int by) { return (size + static_cast<std::uint32_t>(by)) >> by; };
  for (int plane = 0; plane < 3; ++plane) {
    if (!image.yuvPlanes[plane]) continue;
    cut_plane(image.yuvPlanes[plane], image.yuvRowBytes[plane], low->yuvPlanes[plane],
              low->yuvRowBytes[plane], plane == 0 ? image.width : half(image.width, chroma.chromaShiftX),
              plane == 0 ? image.height : half(image.height, chroma.chromaShiftY), shift);
  }
  if (alpha)
    cut_plane(image.alphaPlane, image.alphaRowBytes, low->alphaPlane, low->alphaRowBytes, image.width,
              image.height, shift);
  return low;
}

class avif_decoder final : public image_decoder {
 public:
  avif_decoder(std::string_view bytes, std::string_view name, const decode_limits& limits)
      : bytes_(bytes), name_(name), limit_(std::min<std::uint64_t>(limits.max_pixels, most_pixels)) {}

  result<image_header> read_header() override {
    decoder_.reset(avifDecoderCreate());
    if (!decoder_) return decode_error(errc::too_large, name_, "AVIF: out of memory");
    decoder_->maxThreads = 1;  // pictures are decoded side by side
    decoder_->ignoreExif = AVIF_TRUE;
    decoder_->ignoreXMP = AVIF_TRUE;
    // Held against what the compressed data claim too, which may differ from what is around them.
    decoder_->imageSizeLimit = static_cast<std::uint32_t>(std::max<std::uint64_t>(limit_, 1));
    decoder_->imageDimensionLimit = 0;  // the limit is on the product
    // As Pillow: both describe the picture again and change no pixel of it.
    decoder_->strictFlags = AVIF_STRICT_ENABLED &
                            ~static_cast<avifStrictFlags>(AVIF_STRICT_CLAP_VALID | AVIF_STRICT_PIXI_REQUIRED);
    if (const auto why = unsupported_layout(bytes_); !why.empty())
      return decode_error(errc::unsupported_image, name_, "AVIF: " + why);
    if (const auto kind = optional_transform(bytes_); !kind.empty())
      return decode_error(errc::broken_image, name_,
                          "AVIF: its property " + std::string(kind) + " is not marked essential");
    mended_ = mend_container(bytes_);
    const std::string_view file = mended_ ? std::string_view(*mended_) : bytes_;
    auto status = avifDecoderSetIOMemory(decoder_.get(), reinterpret_cast<const std::uint8_t*>(file.data()),
                                         file.size());
    if (status == AVIF_RESULT_OK) status = avifDecoderParse(decoder_.get());
    if (status != AVIF_RESULT_OK) return failure(status);
    const auto& image = *decoder_->image;
    if (image.width == 0 || image.height == 0 || image.width > INT32_MAX || image.height > INT32_MAX)
      return decode_error(
          errc::broken_image, name_,
          "AVIF: it claims " + std::to_string(image.width) + "x" + std::to_string(image.height) + " pixels");
    image_header header;
    header.format = image_format::avif;
    header.width = static_cast<int>(image.width);
    header.height = static_cast<int>(image.height);
    // The codec holds the planes (up to three, and alpha) and a second set of them while it filters.
    const auto pixels = std::size_t{image.width} * image.height;
    const std::size_t planes = 3 + (decoder_->alphaPresent ? 1 : 0);
    header.decode_bytes = pixels * 3 + pixels * planes * (image.depth > 8 ? 2 : 1) * 2;
    if (decoder_->alphaPresent) header.decode_bytes += pixels * 4;
    if (image.depth > 8) header.decode_bytes += pixels * planes;
    if (mended_) header.decode_bytes += mended_->size();
    return header;
  }

  result<void> decode(std::uint8_t* rgb) override {
    if (const auto status = avifDecoderNthImage(decoder_.get(), 0); status != AVIF_RESULT_OK)
      return failure(status);
    const auto& image = *decoder_->image;
    if (image.width != width() || image.height != height())
      return decode_error(errc::broken_image, name_, "AVIF: its pixels have another size than it claims");
    avifRGBImage to;
    avifRGBImageSetDefaults(&to, &image);
    to.depth = 8;
    std::unique_ptr<std::uint8_t[]> with_alpha;
    const auto pixels = std::size_t{image.width} * image.height;
    if (decoder_->alphaPresent) {
      // Into pixels without alpha libavif blends with black.
      with_alpha = std::make_unique_for_overwrite<std::uint8_t[]>(pixels * 4);
      to.format = AVIF_RGB_FORMAT_RGBA;
      to.pixels = with_alpha.get();
      to.rowBytes = image.width * 4;
    } else {
      to.format = AVIF_RGB_FORMAT_RGB;
      to.pixels = rgb;
      to.rowBytes = image.width * 3;
    }
    image_ptr low;
    if (image.depth > 8 && goes_through_libyuv(image)) {
      low = cut_to_8_bits(image);
      if (!low) return decode_error(errc::too_large, name_, "AVIF: out of memory");
    }
    if (const auto status = avifImageYUVToRGB(low ? low.get() : &image, &to); status != AVIF_RESULT_OK)
      return failure(status);
    if (with_alpha)
      for (std::size_t i = 0; i < pixels; ++i) std::copy_n(with_alpha.get() + i * 4, 3, rgb + i * 3);
    return {};
  }

 private:
  std::uint32_t width() const noexcept { return decoder_->image->width; }
  std::uint32_t height() const noexcept { return decoder_->image->height; }

  error failure(avifResult status) const {
    if (const auto claimed = largest_claim(bytes_); claimed.pixels() > limit_)
      return decode_error(errc::too_large, name_,
                          "AVIF of " + std::to_string(claimed.width) + "x" + std::to_string(claimed.height) +
                              " pixels is more than the limit of " + std::to_string(limit_));
    std::string words = std::string("AVIF: ") + avifResultToString(status);
    if (decoder_->diag.error[0] != '\0') words += std::string(" (") + decoder_->diag.error + ")";
    switch (status) {
      case AVIF_RESULT_TRUNCATED_DATA:
        return decode_error(errc::broken_image, name_, words + ", the file breaks off");
      case AVIF_RESULT_NOT_IMPLEMENTED:
      case AVIF_RESULT_NO_CODEC_AVAILABLE:
      case AVIF_RESULT_UNSUPPORTED_DEPTH:
        return decode_error(errc::unsupported_image, name_, std::move(words));
      case AVIF_RESULT_OUT_OF_MEMORY:
        return decode_error(errc::too_large, name_, std::move(words));
      default:
        return decode_error(errc::broken_image, name_, std::move(words));
    }
  }

  std::string_view bytes_;
  std::string_view name_;
  std::uint64_t limit_;
  std::optional<std::string> mended_;
  std::unique_ptr<avifDecoder, decoder_deleter> decoder_;
};

}  // namespace

std::unique_ptr<image_decoder> make_avif_decoder(std::string_view bytes, std::string_view name,
                                                 const decode_limits& limits) {
  return std::make_unique<avif_decoder>(bytes, name, limits);
}

}  // namespace catwalk::embed
