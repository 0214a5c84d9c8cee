#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "embed/decode.hpp"

namespace catwalk::embed {
namespace {

// The format: https://learn.microsoft.com/windows/win32/gdi/bitmap-storage; variants as Pillow's
// BmpImagePlugin.py reads them.

enum class compression : std::uint32_t { none = 0, rle8 = 1, rle4 = 2, bitfields = 3 };

/// Where a channel lies in a pixel of 16, 24 or 32 bits.
struct channel {
  int shift = 0;
  unsigned maximum = 0;
};

constexpr std::size_t file_header = 14;

class bmp_decoder final : public image_decoder {
 public:
  bmp_decoder(std::string_view bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  result<image_header> read_header() override {
    if (auto read = read_info(); !read) return read.error();
    image_header header;
    header.format = image_format::bmp;
    header.width = static_cast<int>(width_);
    header.height = static_cast<int>(height_);
    header.decode_bytes = width_ * height_ * 3;
    if (is_run_length()) header.decode_bytes += width_ * height_;
    return header;
  }

  result<void> decode(std::uint8_t* rgb) override {
    return is_run_length() ? decode_runs(rgb) : decode_rows(rgb);
  }

 private:
  error broken(const std::string& why) const {
    return decode_error(errc::broken_image, name_, "BMP: " + why);
  }
  error unsupported(const std::string& why) const {
    return decode_error(errc::unsupported_image, name_, "BMP: " + why);
  }
  error breaks_off() const { return broken("not enough data, the file breaks off"); }

  bool is_run_length() const noexcept {
    return compression_ == compression::rle8 || compression_ == compression::rle4;
  }
  std::uint8_t byte_at(std::size_t at) const noexcept { return static_cast<std::uint8_t>(bytes_[at]); }
  std::uint32_t number_at(std::size_t at, std::size_t size) const noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | byte_at(at + i);
    return value;
  }

  result<void> read_info() {
    const std::size_t info = number_at(file_header, 4);
    constexpr std::array known{12, 40, 52, 56, 64, 108, 124};
    if (std::find(known.begin(), known.end(), static_cast<int>(info)) == known.end())
      return unsupported("a header of " + std::to_string(info) + " bytes");
    if (bytes_.size() < file_header + info) return breaks_off();
    const bool old = info == 12;
    std::size_t end = file_header + info;
    if (old) {
      width_ = number_at(18, 2);
      height_ = number_at(20, 2);
      bits_ = number_at(24, 2);
    } else {
      width_ = number_at(18, 4);
      const auto height = number_at(22, 4);
      // A negative height is that of a picture stored from its top.
      from_top_ = height >> 24 == 0xff;
      height_ = from_top_ ? (std::uint64_t{1} << 32) - height : height;
      bits_ = number_at(28, 2);
      compression_ = static_cast<compression>(number_at(30, 4));
    }
    if (width_ == 0 || height_ == 0 || width_ > INT32_MAX || height_ > INT32_MAX)
      return broken("it claims " + std::to_string(width_) + "x" + std::to_string(height_) + " pixels");
    if (auto ok = check_depth(); !ok) return ok;
    if (compression_ == compression::bitfields) {
      if (auto ok = read_masks(info, end); !ok) return ok;
    }
    data_ = number_at(10, 4);
    if (bits_ <= 8) {
      const std::size_t entry = old ? 3 : 4;
      std::size_t colours = old ? 0 : number_at(46, 4);
      if (colours == 0) colours = std::size_t{1} << bits_;
      if (colours > 65'536) return unsupported("a palette of " + std::to_string(colours) + " colours");
      if (bytes_.size() - end < colours * entry) return breaks_off();
      read_palette(end, entry, colours);
      // Some writers forget the palette where they say where the pixels start.
      if (data_ == end) data_ += colours * entry;
      end += colours * entry;
    }
    if (data_ == 0) data_ = end;
    return {};
  }

  result<void> check_depth() const {
    const auto depth = std::to_string(bits_) + " bits a pixel";
    switch (compression_) {
      case compression::none:
        if (bits_ == 1 || bits_ == 4 || bits_ == 8 || bits_ == 16 || bits_ == 24 || bits_ == 32) return {};
        return unsupported(depth);
      case compression::rle8:
      case compression::rle4:
        if (bits_ == (compression_ == compression::rle8 ? 8U : 4U)) return {};
        return unsupported("run lengths of " + depth);
      case compression::bitfields:
        if (bits_ == 16 || bits_ == 24 || bits_ == 32) return {};
        return unsupported("bit fields in " + depth);
    }
    return unsupported("compression " + std::to_string(static_cast<std::uint32_t>(compression_)));
  }

  /// The masks stand in the larger headers, or behind the small one (`end`, which then moves). Pillow takes
  /// these layouts, each of whole bytes or of the two usual 16-bit kinds.
  result<void> read_masks(std::size_t info, std::size_t& end) {
    const std::size_t at = file_header + 40;
    if (info < 52) {
      if (bytes_.size() < end + 12) return breaks_off();
      end += 12;
    }
    const std::uint32_t red = number_at(at, 4), green = number_at(at + 4, 4), blue = number_at(at + 8, 4);
    const auto is = [&](std::uint32_t r, std::uint32_t g, std::uint32_t b) {
      return red == r && green == g && blue == b;
    };
    if (bits_ == 16 && is(0xf800, 0x7e0, 0x1f)) {
      channels_ = {channel{11, 31}, channel{5, 63}, channel{0, 31}};
    } else if (bits_ == 16 && is(0x7c00, 0x3e0, 0x1f)) {
      channels_ = five_bits;
    } else if (bits_ != 16 && is(0xff0000, 0xff00, 0xff)) {
      channels_ = blue_first;
    } else if (bits_ == 32 && is(0, 0, 0)) {
      channels_ = blue_first;
    } else if (bits_ == 32 && is(0xff000000, 0xff0000, 0xff00)) {
      channels_ = {channel{24, 255}, channel{16, 255}, channel{8, 255}};
    } else if (bits_ == 32 && is(0xff000000, 0xff00, 0xff)) {
      channels_ = {channel{24, 255}, channel{8, 255}, channel{0, 255}};
    } else if (bits_ == 32 && is(0xff, 0xff00, 0xff0000)) {
      channels_ = {channel{0, 255}, channel{8, 255}, channel{16, 255}};
    } else {
      return unsupported("bit fields of an unusual layout");
    }
    return {};
  }

  void read_palette(std::size_t at, std::size_t entry, std::size_t colours) noexcept {
    for (std::size_t i = 0; i < std::min(colours, palette_.size()); ++i, at += entry)
      palette_[i] = {byte_at(at + 2), byte_at(at + 1), byte_at(at)};
  }

  std::uint8_t* row(std::uint8_t* rgb, std::size_t stored) const noexcept {
    return rgb + (from_top_ ? stored : height_ - 1 - stored) * width_ * 3;
  }

  result<void> decode_rows(std::uint8_t* rgb) const {
    if (compression_ == compression::none && bits_ > 8)
      return decode_rows(rgb, bits_ == 16 ? five_bits : blue_first);
    return decode_rows(rgb, channels_);
  }

  result<void> decode_rows(std::uint8_t* rgb, const std::array<channel, 3>& channels) const {
    const std::size_t used = (width_ * bits_ + 7) / 8;
    const std::size_t stride = (used + 3) / 4 * 4;
    // The last row needs no padding.
    if (data_ > bytes_.size() || (bytes_.size() - data_ < used) ||
        (bytes_.size() - data_ - used) / stride < height_ - 1)
      return breaks_off();
    for (std::size_t y = 0; y < height_; ++y) {
      const std::size_t from = data_ + y * stride;
      auto* to = row(rgb, y);
      for (std::size_t x = 0; x < width_; ++x) {
        if (bits_ <= 8) {
          const std::size_t per_byte = 8 / bits_;
          const auto shift = (per_byte - 1 - x % per_byte) * bits_;
          const auto index = byte_at(from + x / per_byte) >> shift & ((1U << bits_) - 1);
          to = std::copy(palette_[index].begin(), palette_[index].end(), to);
          continue;
        }
        const auto pixel = number_at(from + x * (bits_ / 8), bits_ / 8);
        for (const auto& [shift, maximum] : channels)
          *to++ = static_cast<std::uint8_t>((pixel >> shift & maximum) * 255 / maximum);
      }
    }
    return {};
  }

  /// Runs of equal pixels, runs of two that alternate, literal stretches, and jumps over pixels of index 0.
  result<void> decode_runs(std::uint8_t* rgb) const {
    const std::size_t all = width_ * height_;
    std::vector<std::uint8_t> indices;
    indices.reserve(all);
    const bool nibbles = compression_ == compression::rle4;
    std::size_t at = data_, x = 0;
    while (indices.size() < all) {
      if (at > bytes_.size() || bytes_.size() - at < 2) return breaks_off();
      const std::size_t count = byte_at(at), value = byte_at(at + 1);
      at += 2;
      if (count > 0) {
        // A run ends with its row, whatever it claims.
        const auto within = std::min({count, width_ - std::min(x, width_), all - indices.size()});
        for (std::size_t i = 0; i < within; ++i)
          indices.push_back(static_cast<std::uint8_t>(!nibbles     ? value
                                                      : i % 2 == 0 ? value >> 4
                                                                   : value & 15));
        x += within;
      } else if (value == 0) {
        indices.resize((indices.size() + width_ - 1) / width_ * width_);
        x = 0;
      } else if (value == 1) {
        return broken("its pixels end early");
      } else if (value == 2) {
        if (bytes_.size() - at < 2) return breaks_off();
        const std::size_t jump = byte_at(at) + byte_at(at + 1) * width_;
        at += 2;
        indices.resize(indices.size() + std::min(jump, all - indices.size()));
        x = indices.size() % width_;
      } else {
        const auto literal = std::min(value, all - indices.size());
        const auto size = nibbles ? (literal + 1) / 2 : literal;
        if (bytes_.size() - at < size) return breaks_off();
        for (std::size_t i = 0; i < literal; ++i) {
          const auto byte = byte_at(at + (nibbles ? i / 2 : i));
          indices.push_back(static_cast<std::uint8_t>(!nibbles ? byte : i % 2 == 0 ? byte >> 4 : byte & 15));
        }
        at += size;
        at += at % 2;
        x += value;
      }
    }
    for (std::size_t y = 0; y < height_; ++y) {
      auto* to = row(rgb, y);
      for (std::size_t i = 0; i < width_; ++i) {
        const auto& colour = palette_[indices[y * width_ + i]];
        to = std::copy(colour.begin(), colour.end(), to);
      }
    }
    return {};
  }

  static constexpr std::array<channel, 3> five_bits{channel{10, 31}, channel{5, 31}, channel{0, 31}};
  static constexpr std::array<channel, 3> blue_first{channel{16, 255}, channel{8, 255}, channel{0, 255}};

  std::string_view bytes_;
  std::string_view name_;
  std::size_t width_ = 0, height_ = 0, bits_ = 0;
  bool from_top_ = false;
  compression compression_ = compression::none;
  std::size_t data_ = 0;  ///< where the pixels start
  std::array<channel, 3> channels_{};
  std::array<std::array<std::uint8_t, 3>, 256> palette_{};
};

}  // namespace

std::unique_ptr<image_decoder> make_bmp_decoder(std::string_view bytes, std::string_view name) {
  return std::make_unique<bmp_decoder>(bytes, name);
}

}  // namespace catwalk::embed
