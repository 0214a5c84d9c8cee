#pragma once
// Pictures for the tests, drawn and encoded in memory by the codecs' own encoders.
#include <avif/avif.h>
#include <gif_lib.h>
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

/// Indices into a palette of 16 shades, one frame at (left, top) of a screen.
inline std::string gif(const std::vector<std::uint8_t>& indices, int width, int height, int screen_width,
                       int screen_height, int left = 0, int top = 0) {
  std::string bytes;
  const auto append = [](GifFileType* file, const GifByteType* data, int size) {
    static_cast<std::string*>(file->UserData)
        ->append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    return size;
  };
  int code = 0;
  auto* file = EGifOpen(&bytes, append, &code);
  std::vector<GifColorType> shades;
  for (int i = 0; i < 16; ++i) {
    const auto value = static_cast<GifByteType>(i * 17);
    shades.push_back({value, value, static_cast<GifByteType>(255 - value)});
  }
  auto* map = GifMakeMapObject(16, shades.data());
  bool written = EGifPutScreenDesc(file, screen_width, screen_height, 4, 0, map) == GIF_OK &&
                 EGifPutImageDesc(file, left, top, width, height, false, nullptr) == GIF_OK;
  auto pixels = indices;
  written = written && EGifPutLine(file, pixels.data(), width * height) == GIF_OK;
  GifFreeMapObject(map);
  if (EGifCloseFile(file, &code) != GIF_OK || !written) throw std::runtime_error("giflib");
  return bytes;
}

/// 24 bits a pixel, rows from the bottom.
inline std::string bmp(const std::vector<std::uint8_t>& rgb, int width, int height) {
  std::string bytes = "BM";
  const auto number = [&](std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  };
  const int stride = (width * 3 + 3) / 4 * 4;
  number(static_cast<std::uint32_t>(54 + stride * height), 4);
  number(0, 4);
  number(54, 4);
  number(40, 4);
  number(static_cast<std::uint32_t>(width), 4);
  number(static_cast<std::uint32_t>(height), 4);
  number(1, 2);
  number(24, 2);
  for (int i = 0; i < 6; ++i) number(0, 4);
  for (int y = height - 1; y >= 0; --y) {
    for (int x = 0; x < width; ++x)
      for (int c = 2; c >= 0; --c)
        bytes += static_cast<char>(rgb[static_cast<std::size_t>((y * width + x) * 3 + c)]);
    bytes.append(static_cast<std::size_t>(stride - width * 3), '\0');
  }
  return bytes;
}

inline std::string avif(const std::vector<std::uint8_t>& rgb, int width, int height) {
  auto* image = avifImageCreate(static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height), 8,
                                AVIF_PIXEL_FORMAT_YUV444);
  image->matrixCoefficients = AVIF_MATRIX_COEFFICIENTS_IDENTITY;
  avifRGBImage from;
  avifRGBImageSetDefaults(&from, image);
  from.format = AVIF_RGB_FORMAT_RGB;
  from.depth = 8;
  from.pixels = const_cast<std::uint8_t*>(rgb.data());
  from.rowBytes = static_cast<std::uint32_t>(width * 3);
  auto* encoder = avifEncoderCreate();
  encoder->speed = AVIF_SPEED_FASTEST;
  encoder->minQuantizer = encoder->maxQuantizer = AVIF_QUANTIZER_LOSSLESS;
  avifRWData out = AVIF_DATA_EMPTY;
  const bool written = avifImageRGBToYUV(image, &from) == AVIF_RESULT_OK &&
                       avifEncoderWrite(encoder, image, &out) == AVIF_RESULT_OK;
  std::string bytes(reinterpret_cast<const char*>(out.data), out.size);
  avifRWDataFree(&out);
  avifEncoderDestroy(encoder);
  avifImageDestroy(image);
  if (!written) throw std::runtime_error("libavif");
  return bytes;
}

}  // namespace catwalk::embed::samples
