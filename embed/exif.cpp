#include "embed/exif.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "embed/image_format.hpp"

namespace catwalk::embed {
namespace {

/// Unsigned numbers at a place of a text; nullopt beyond its end.
class numbers {
 public:
  numbers(std::string_view text, bool little_endian) : text_(text), little_endian_(little_endian) {}

  std::optional<std::uint32_t> read(std::size_t at, std::size_t bytes) const noexcept {
    if (at > text_.size() || bytes > text_.size() - at) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      const auto from = little_endian_ ? at + bytes - 1 - i : at + i;
      value = value << 8U | static_cast<unsigned char>(text_[from]);
    }
    return value;
  }

 private:
  std::string_view text_;
  bool little_endian_;
};

/// The tag 0x0112 of the first directory of a TIFF structure (TIFF 6.0, section 2).
int orientation_in_tiff(std::string_view tiff) noexcept {
  constexpr std::uint32_t orientation_tag = 0x0112, type_short = 3;
  if (!tiff.starts_with("II") && !tiff.starts_with("MM")) return 1;
  const numbers in(tiff, tiff.front() == 'I');
  const auto directory = in.read(4, 4);
  if (!directory || in.read(2, 2) != 42U) return 1;
  const auto count = in.read(*directory, 2);
  for (std::size_t i = 0; count && i < *count; ++i) {
    const auto entry = *directory + 2 + 12 * i;
    const auto tag = in.read(entry, 2);
    if (!tag) return 1;
    if (*tag != orientation_tag) continue;
    const auto value = in.read(entry + 8, 2);
    const bool sound = in.read(entry + 2, 2) == type_short && value && *value >= 1 && *value <= 8;
    return sound ? static_cast<int>(*value) : 1;
  }
  return 1;
}

int orientation_in_exif(std::string_view exif) noexcept {
  constexpr std::string_view mark("Exif\0\0", 6);
  return orientation_in_tiff(exif.starts_with(mark) ? exif.substr(mark.size()) : exif);
}

/// ISO/IEC 10918-1, annex B: segments up to the start of the scan.
int in_jpeg(std::string_view picture) noexcept {
  const numbers in(picture, false);
  for (std::size_t at = 2;;) {
    const auto marker = in.read(at, 2);
    if (!marker || *marker < 0xFF00) return 1;
    if (*marker == 0xFFFF) {  // a fill byte
      ++at;
      continue;
    }
    constexpr std::uint32_t start_of_scan = 0xFFDA, app1 = 0xFFE1;
    const auto length = in.read(at + 2, 2);
    if (!length || *length < 2 || *marker == start_of_scan) return 1;
    const auto segment = picture.substr(at + 4, *length - 2);
    if (*marker == app1 && segment.starts_with("Exif")) return orientation_in_exif(segment);
    at += 2 + *length;
  }
}

/// PNG, third edition, 5.3: chunks.
int in_png(std::string_view picture) noexcept {
  const numbers in(picture, false);
  for (std::size_t at = 8;;) {
    const auto length = in.read(at, 4);
    if (!length || at + 8 > picture.size()) return 1;
    if (picture.substr(at + 4, 4) == "eXIf") return orientation_in_exif(picture.substr(at + 8, *length));
    at += 12 + static_cast<std::size_t>(*length);
  }
}

/// RFC 9649, 2.3: RIFF chunks, padded to even sizes.
int in_webp(std::string_view picture) noexcept {
  const numbers in(picture, true);
  for (std::size_t at = 12;;) {
    const auto length = in.read(at + 4, 4);
    if (!length) return 1;
    if (picture.substr(at, 4) == "EXIF") return orientation_in_exif(picture.substr(at + 8, *length));
    at += 8 + static_cast<std::size_t>(*length) + *length % 2;
  }
}

}  // namespace

int exif_orientation(std::string_view picture) noexcept {
  switch (detect_image_format(picture)) {
    case image_format::jpeg:
      return in_jpeg(picture);
    case image_format::png:
      return in_png(picture);
    case image_format::webp:
      return in_webp(picture);
    default:
      return 1;
  }
}

}  // namespace catwalk::embed
