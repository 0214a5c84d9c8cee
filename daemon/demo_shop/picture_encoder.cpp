#include "daemon/demo_shop/picture_encoder.hpp"

#include <png.h>
#include <webp/encode.h>

#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <vector>

// jpeglib.h uses size_t and FILE without declaring them.
// clang-format off
#include <cstdio>
#include <jpeglib.h>
// clang-format on

namespace catwalk::daemon {
namespace {

constexpr int quality = 88;

[[noreturn]] void throw_jpeg_error(j_common_ptr codec) {
  char words[JMSG_LENGTH_MAX];
  codec->err->format_message(codec, words);
  throw std::runtime_error(std::string("cannot encode a JPEG: ") + words);
}

std::string encode_jpeg(const std::uint8_t* rgb, int width, int height) {
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  errors.error_exit = throw_jpeg_error;
  jpeg_create_compress(&codec);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &out, &size);
  codec.image_width = static_cast<JDIMENSION>(width);
  codec.image_height = static_cast<JDIMENSION>(height);
  codec.input_components = 3;
  codec.in_color_space = JCS_RGB;
  jpeg_set_defaults(&codec);
  jpeg_set_quality(&codec, quality, TRUE);
  jpeg_start_compress(&codec, TRUE);
  while (codec.next_scanline < codec.image_height) {
    // libjpeg's interface takes rows without const and does not write to them.
    auto* row = const_cast<JSAMPLE*>(rgb) +
                static_cast<std::size_t>(codec.next_scanline) * static_cast<std::size_t>(width) * 3;
    jpeg_write_scanlines(&codec, &row, 1);
  }
  jpeg_finish_compress(&codec);
  std::string bytes(reinterpret_cast<const char*>(out), size);
  std::free(out);
  jpeg_destroy_compress(&codec);
  return bytes;
}

std::string encode_png(const std::uint8_t* rgb, int width, int height) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  if (png_image_write_get_memory_size(image, size, 0, rgb, 0, nullptr) == 0)
    throw std::runtime_error(std::string("cannot encode a PNG: ") + image.message);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, rgb, 0, nullptr) == 0)
    throw std::runtime_error(std::string("cannot encode a PNG: ") + image.message);
  bytes.resize(size);
  return bytes;
}

std::string encode_webp(const std::uint8_t* rgb, int width, int height) {
  std::uint8_t* out = nullptr;
  const auto size = WebPEncodeRGB(rgb, width, height, width * 3, quality, &out);
  if (size == 0) throw std::runtime_error("cannot encode a WebP");
  std::string bytes(reinterpret_cast<const char*>(out), size);
  WebPFree(out);
  return bytes;
}

}  // namespace

std::string encode_picture(const std::uint8_t* rgb, int width, int height, picture_format format) {
  switch (format) {
    case picture_format::jpeg:
      return encode_jpeg(rgb, width, height);
    case picture_format::png:
      return encode_png(rgb, width, height);
    case picture_format::webp:
      return encode_webp(rgb, width, height);
  }
  throw std::runtime_error("unknown picture format");
}

}  // namespace catwalk::daemon
