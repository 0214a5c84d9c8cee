#pragma once
// Pictures for the tests, drawn and encoded in memory by the codecs' own encoders.
#include <png.h>
#include <webp/encode.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>
// libjpeg's header needs <cstdio> first.
#include <jpeglib.h>

namespace catwalk::embed::samples {

/// A gradient with a hard edge, RGB, interleaved.
inline std::vector<std::uint8_t> draw(int width, int height) {
  std::vector<std::uint8_t> rgb;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      rgb.push_back(static_cast<std::uint8_t>(x * 255 / width));
      rgb.push_back(static_cast<std::uint8_t>(y * 255 / height));
      rgb.push_back(static_cast<std::uint8_t>(x / 8 % 2 == y / 8 % 2 ? 220 : 30));
    }
  return rgb;
}

/// `pixels` has `components` bytes a pixel (1 grey, 3 RGB, 4 CMYK as Adobe stores it).
inline std::string jpeg(const std::vector<std::uint8_t>& pixels, int width, int height, int components = 3,
                        bool progressive = false) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &data, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = components;
  info.in_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  // Without successive approximation, so that a scan can follow itself.
  static constexpr jpeg_scan_info scans[] = {
      {3, {0, 1, 2}, 0, 0, 0, 0}, {1, {0}, 1, 63, 0, 0}, {1, {1}, 1, 63, 0, 0}, {1, {2}, 1, 63, 0, 0}};
  if (progressive) {
    info.scan_info = scans;
    info.num_scans = 4;
  }
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<std::uint8_t*>(pixels.data()) +
                static_cast<std::size_t>(info.next_scanline) * static_cast<std::size_t>(width * components);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string bytes(reinterpret_cast<const char*>(data), size);
  std::free(data);
  return bytes;
}

/// `format` is one of libpng's PNG_FORMAT_*; 16-bit formats take the bytes of host-endian numbers.
inline std::string png(const std::vector<std::uint8_t>& pixels, int width, int height,
                       std::uint32_t format = PNG_FORMAT_RGB) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = format;
  png_alloc_size_t size = 0;
  if (!png_image_write_get_memory_size(image, size, 0, pixels.data(), 0, nullptr))
    throw std::runtime_error(image.message);
  std::string bytes(size, '\0');
  if (!png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr))
    throw std::runtime_error(image.message);
  bytes.resize(size);
  return bytes;
}

inline std::string webp(const std::vector<std::uint8_t>& rgb, int width, int height) {
  std::uint8_t* data = nullptr;
  const std::size_t size = WebPEncodeLosslessRGB(rgb.data(), width, height, width * 3, &data);
  std::string bytes(reinterpret_cast<const char*>(data), size);
  WebPFree(data);
  return bytes;
}

}  // namespace catwalk::embed::samples
