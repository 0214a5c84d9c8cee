#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>

#include "embed/decode.hpp"

namespace catwalk::embed {
namespace {

/// libpng's state. libpng is C and its errors jump: the functions that set the jump hold nothing with a
/// destructor.
struct session {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const unsigned char* data = nullptr;
  std::size_t left = 0;
  std::array<char, 256> message{};
};

extern "C" {

[[noreturn]] static void on_png_error(png_structp png, png_const_charp message) {
  auto& s = *static_cast<session*>(png_get_error_ptr(png));
  std::strncpy(s.message.data(), message, s.message.size() - 1);
  png_longjmp(png, 1);
}

/// libpng warns about what it repairs or leaves out beside the pixels (broken profiles, times, texts); pixels
/// that are missing or fail their checksum are errors.
static void on_png_warning(png_structp, png_const_charp) {}

static void read_from_memory(png_structp png, png_bytep to, std::size_t size) {
  auto& s = *static_cast<session*>(png_get_io_ptr(png));
  if (size > s.left) png_error(png, "the file breaks off");
  std::memcpy(to, s.data, size);
  s.data += size;
  s.left -= size;
}

}  // extern "C"

bool open(session& s) {
  s.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_png_error, on_png_warning);
  if (!s.png) return false;
  if (setjmp(png_jmpbuf(s.png))) return false;
  s.info = png_create_info_struct(s.png);
  if (!s.info) return false;
  png_set_read_fn(s.png, &s, read_from_memory);
  // The caller's limit is on the product, and its error names the claim.
  png_set_user_limits(s.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  // Profiles, texts and times are neither needed nor worth their memory; transparency is dropped.
  png_set_keep_unknown_chunks(s.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  constexpr std::array<png_byte, 5> transparency{'t', 'R', 'N', 'S', '\0'};
  png_set_keep_unknown_chunks(s.png, PNG_HANDLE_CHUNK_NEVER, transparency.data(), 1);
  png_read_info(s.png, s.info);
  return true;
}

bool is_grey_16(const session& s) {
  return png_get_color_type(s.png, s.info) == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(s.png, s.info) == 16;
}

/// Pillow reads 16-bit grey as its mode "I;16", and converting that to RGB clamps. A row of 16-bit numbers
/// becomes a row of RGB in place, from its end.
void clamp_grey_16(std::uint8_t* row, std::size_t width) {
  for (std::size_t x = width; x-- > 0;) {
    const std::uint8_t value = row[2 * x] != 0 ? 255 : row[2 * x + 1];
    std::fill_n(row + 3 * x, 3, value);
  }
}

/// Not inlined into the function that sets the jump, where a jump could clobber its variables.
[[gnu::noinline]] void read_rows(const session& s, std::uint8_t* rgb) {
  const std::size_t width = png_get_image_width(s.png, s.info);
  const std::size_t height = png_get_image_height(s.png, s.info);
  const bool grey_16 = is_grey_16(s);
  if (!grey_16) {
    png_set_palette_to_rgb(s.png);
    png_set_expand_gray_1_2_4_to_8(s.png);
    png_set_strip_16(s.png);
    png_set_gray_to_rgb(s.png);
    png_set_strip_alpha(s.png);
  }
  // The pixels have a checksum of their own inside their zlib stream. It counts (libpng takes it for a benign
  // error); that of the chunks around it does not: Pillow and browsers show pictures whose chunk checksum
  // alone is wrong.
  png_set_benign_errors(s.png, 0);
  png_set_crc_action(s.png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
  const int passes = png_set_interlace_handling(s.png);
  png_read_update_info(s.png, s.info);
  if (png_get_rowbytes(s.png, s.info) != width * (grey_16 ? 2 : 3)) png_error(s.png, "unexpected row size");
  for (int pass = 0; pass < passes; ++pass)
    for (std::size_t y = 0; y < height; ++y) png_read_row(s.png, rgb + y * width * 3, nullptr);
  if (grey_16)
    for (std::size_t y = 0; y < height; ++y) clamp_grey_16(rgb + y * width * 3, width);
}

bool decode_rows(const session& s, std::uint8_t* rgb) {
  if (setjmp(png_jmpbuf(s.png))) return false;
  read_rows(s, rgb);
  return true;
}

class png_decoder final : public image_decoder {
 public:
  png_decoder(std::string_view bytes, std::string_view name) : name_(name) {
    session_.data = reinterpret_cast<const unsigned char*>(bytes.data());
    session_.left = bytes.size();
  }
  png_decoder(const png_decoder&) = delete;
  png_decoder& operator=(const png_decoder&) = delete;
  ~png_decoder() override { png_destroy_read_struct(&session_.png, &session_.info, nullptr); }

  result<image_header> read_header() override {
    if (!open(session_)) return failure();
    const std::size_t width = png_get_image_width(session_.png, session_.info);
    const std::size_t height = png_get_image_height(session_.png, session_.info);
    image_header header;
    header.format = image_format::png;
    header.width = static_cast<int>(width);
    header.height = static_cast<int>(height);
    // Beside the pixels libpng holds two rows of at most four 16-bit channels.
    header.decode_bytes = width * height * 3 + width * 16;
    return header;
  }

  result<void> decode(std::uint8_t* rgb) override {
    if (!decode_rows(session_, rgb)) return failure();
    return {};
  }

 private:
  error failure() const {
    return decode_error(errc::broken_image, name_, std::string("PNG: ") + session_.message.data());
  }

  std::string_view name_;
  session session_;
};

}  // namespace

std::unique_ptr<image_decoder> make_png_decoder(std::string_view bytes, std::string_view name) {
  return std::make_unique<png_decoder>(bytes, name);
}

}  // namespace catwalk::embed
