#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
// libjpeg's headers need the ones above first.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <vector>

#include "embed/decode.hpp"

namespace catwalk::embed {
namespace {

/// Real progressive pictures have about ten scans; a small file with thousands keeps a core busy for minutes
/// (libjpeg-turbo, "Two Issues with the JPEG Standard").
constexpr int max_scans = 100;

/// libjpeg's state and the place where its errors jump to. libjpeg is C: its error handler must not return,
/// and an exception through its frames is not portable, so errors jump back into the functions below, which
/// hold nothing with a destructor while libjpeg runs.
struct session {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf on_error{};
  std::array<char, JMSG_LENGTH_MAX> message{};
  int message_code = 0;
  bool too_many_scans = false;
};

session& session_of(j_common_ptr info) {
  return *static_cast<session*>(info->client_data);
}

extern "C" {

[[noreturn]] static void jump_out(j_common_ptr info) {
  auto& s = session_of(info);
  s.message_code = info->err->msg_code;
  info->err->format_message(info, s.message.data());
  std::longjmp(s.on_error, 1);
}

/// Warnings are libjpeg's word for pictures that break off or are corrupt: they end the decoding, except
/// those after which all pixels are as the encoder made them.
static void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_TOO_MUCH_DATA:
      return;
    case JWRN_EXTRANEOUS_DATA: {
      // Padding between header segments or before the end marker, as some cameras write it.
      const auto& in = *reinterpret_cast<j_decompress_ptr>(info);
      constexpr int end_of_image = 0xd9;
      if (in.input_scan_number == 0 || info->err->msg_parm.i[1] == end_of_image) return;
      break;
    }
    default:
      break;
  }
  jump_out(info);
}

static void print_nothing(j_common_ptr) {}

static void count_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= max_scans) return;
  auto& s = session_of(info);
  s.too_many_scans = true;
  std::longjmp(s.on_error, 1);
}

}  // extern "C"

bool open(session& s, const unsigned char* data, unsigned long size) {
  s.info.err = jpeg_std_error(&s.errors);
  s.errors.error_exit = jump_out;
  s.errors.emit_message = on_message;
  s.errors.output_message = print_nothing;
  s.info.client_data = &s;
  s.progress.progress_monitor = count_scans;
  if (setjmp(s.on_error)) return false;
  jpeg_create_decompress(&s.info);
  s.info.progress = &s.progress;
  jpeg_mem_src(&s.info, data, size);
  jpeg_read_header(&s.info, TRUE);
  return true;
}

/// Pillow takes every four-component JPEG for Adobe's inverted CMYK, and its CMYK to RGB comes to this
/// product, rounded (its MULDIV255).
std::uint8_t multiply(unsigned a, unsigned b) {
  const unsigned t = a * b + 128;
  return static_cast<std::uint8_t>((t + (t >> 8)) >> 8);
}

void cmyk_to_rgb(const std::uint8_t* cmyk, std::size_t pixels, std::uint8_t* rgb) {
  for (std::size_t i = 0; i < pixels; ++i, cmyk += 4, rgb += 3)
    for (std::size_t c = 0; c < 3; ++c) rgb[c] = multiply(cmyk[c], cmyk[3]);
}

/// Where decoded rows go.
struct row_target {
  std::uint8_t* rgb;             ///< of the first row
  std::size_t stride;            ///< bytes from there to the next; 0: each takes the place of the one before
  std::uint8_t* cmyk = nullptr;  ///< one row of four components; null where libjpeg gives RGB
  row_taker* taker = nullptr;    ///< is told of each
};

/// Decodes all rows. Stops after the last one: what follows, even a missing end marker, changes no pixel.
/// Not inlined into the function that sets the jump, where a jump could clobber its variables.
[[gnu::noinline]] void read_rows(session& s, const row_target& target) {
  s.info.out_color_space = target.cmyk ? JCS_CMYK : JCS_RGB;
  s.info.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&s.info);
  while (s.info.output_scanline < s.info.output_height) {
    std::uint8_t* const to = target.rgb + s.info.output_scanline * target.stride;
    JSAMPROW row = target.cmyk ? target.cmyk : to;
    jpeg_read_scanlines(&s.info, &row, 1);
    if (target.cmyk) cmyk_to_rgb(target.cmyk, s.info.output_width, to);
    if (target.taker) target.taker->take(to);
  }
}

bool try_to_read_rows(session& s, const row_target& target) {
  if (setjmp(s.on_error)) return false;
  read_rows(s, target);
  return true;
}

class jpeg_decoder final : public image_decoder {
 public:
  jpeg_decoder(std::string_view bytes, std::string_view name, const decode_limits& limits)
      : bytes_(bytes), name_(name), limits_(limits) {}
  jpeg_decoder(const jpeg_decoder&) = delete;
  jpeg_decoder& operator=(const jpeg_decoder&) = delete;
  ~jpeg_decoder() override { jpeg_destroy_decompress(&session_.info); }

  result<image_header> read_header() override {
    if (!open(session_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size()))
      return failure();
    const auto& info = session_.info;
    if (info.num_components == 2 || info.num_components > 4)
      return decode_error(errc::unsupported_image, name_,
                          "JPEG with " + std::to_string(info.num_components) + " colour components");
    image_header header;
    header.format = image_format::jpeg;
    header.width = static_cast<int>(info.image_width);
    header.height = static_cast<int>(info.image_height);
    header.decode_bytes =
        static_cast<std::size_t>(info.image_width) * info.image_height * 3 + coefficient_bytes();
    return header;
  }

  std::optional<decoded_image> scale_down(double edge) override {
    auto& info = session_.info;
    // The product that stands for Pillow's CMYK is no average, so scaling first gives other colours.
    if (info.num_components == 4) return std::nullopt;
    const int width = static_cast<int>(info.image_width), height = static_cast<int>(info.image_height);
    // Between these scales libjpeg-turbo has no vector code, and takes longer than for the whole.
    for (const int eighths : {1, 2, 4}) {
      if (std::min(width, height) * eighths / 8.0 < edge) continue;
      info.scale_num = static_cast<unsigned>(eighths);
      info.scale_denom = 8;
      // As libjpeg rounds (jdiv_round_up in jdmaster.c).
      const auto scaled = [eighths](int size) {
        return static_cast<int>((static_cast<std::int64_t>(size) * eighths + 7) / 8);
      };
      return decoded_image{scaled(width), scaled(height), nullptr, picture_scale{width, height, eighths}};
    }
    return std::nullopt;
  }

  result<void> decode(std::uint8_t* rgb) override {
    return decode_to({rgb, static_cast<std::size_t>(output_width()) * 3});
  }

  bool gives_rows() const noexcept override { return true; }

  result<void> decode_by_rows(row_taker& rows) override {
    std::vector<std::uint8_t> row(static_cast<std::size_t>(output_width()) * 3);
    return decode_to({row.data(), 0, nullptr, &rows});
  }

 private:
  /// After scaling, as libjpeg computes it.
  JDIMENSION output_width() {
    jpeg_calc_output_dimensions(&session_.info);
    return session_.info.output_width;
  }

  result<void> decode_to(row_target target) {
    auto& info = session_.info;
    info.mem->max_memory_to_use = static_cast<long>(limits_.max_memory);
    std::vector<std::uint8_t> cmyk;
    if (info.num_components == 4) cmyk.resize(std::size_t{info.image_width} * 4);
    if (!cmyk.empty()) target.cmyk = cmyk.data();
    if (!try_to_read_rows(session_, target)) return failure();
    return {};
  }

  /// A picture of several scans is held as coefficients, all of it.
  std::size_t coefficient_bytes() {
    if (!jpeg_has_multiple_scans(&session_.info)) return 0;
    std::size_t blocks = 0;
    for (int i = 0; i < session_.info.num_components; ++i) {
      const auto& component = session_.info.comp_info[i];
      blocks += std::size_t{component.width_in_blocks} * component.height_in_blocks;
    }
    return blocks * sizeof(JBLOCK);
  }

  error failure() const {
    if (session_.too_many_scans)
      return decode_error(errc::too_large, name_,
                          "JPEG with more than " + std::to_string(max_scans) + " scans");
    std::string words = session_.message.data();
    switch (session_.message_code) {
      case JERR_IMAGE_TOO_BIG:
        return decode_error(errc::too_large, name_,
                            "JPEG of " + std::to_string(session_.info.image_width) + "x" +
                                std::to_string(session_.info.image_height) + " pixels: " + words);
      case JERR_OUT_OF_MEMORY:
      case JERR_NO_BACKING_STORE:
        return decode_error(errc::too_large, name_, std::move(words));
      case JERR_BAD_PRECISION:
      case JERR_SOF_UNSUPPORTED:
      case JERR_ARITH_NOTIMPL:
      case JERR_CONVERSION_NOTIMPL:
      case JERR_FRACT_SAMPLE_NOTIMPL:
      case JERR_CCIR601_NOTIMPL:
        return decode_error(errc::unsupported_image, name_, std::move(words));
      default:
        return decode_error(errc::broken_image, name_, std::move(words));
    }
  }

  std::string_view bytes_;
  std::string_view name_;
  decode_limits limits_;
  session session_;
};

}  // namespace

std::unique_ptr<image_decoder> make_jpeg_decoder(std::string_view bytes, std::string_view name,
                                                 const decode_limits& limits) {
  return std::make_unique<jpeg_decoder>(bytes, name, limits);
}

}  // namespace catwalk::embed
