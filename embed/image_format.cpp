#include "embed/image_format.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

namespace catwalk::embed {
namespace {

using namespace std::string_view_literals;

/// The brand of an ISO base media file (ISO/IEC 14496-12, 4.3): major first, then the compatible ones.
image_format format_of_brands(std::string_view bytes) noexcept {
  const auto size = static_cast<std::size_t>(static_cast<unsigned char>(bytes[3])) |
                    static_cast<std::size_t>(static_cast<unsigned char>(bytes[2])) << 8;
  const auto box = bytes.substr(0, std::min(bytes.size(), std::max<std::size_t>(size, 16)));
  auto found = image_format::unknown;
  for (std::size_t at = 8; at + 4 <= box.size(); at += at == 8 ? 8 : 4) {
    const auto brand = box.substr(at, 4);
    if (brand == "avif"sv || brand == "avis"sv) return image_format::avif;
    if (brand == "heic"sv || brand == "heix"sv || brand == "hevc"sv || brand == "heim"sv || brand == "mif1"sv)
      found = image_format::heif;
  }
  return found;
}

bool is_iso_media(std::string_view bytes) noexcept {
  return bytes.size() >= 12 && bytes.substr(4, 4) == "ftyp"sv && bytes[0] == 0 && bytes[1] == 0;
}

std::string_view without_leading_space(std::string_view text) noexcept {
  if (text.starts_with("\xef\xbb\xbf"sv)) text.remove_prefix(3);
  const auto first = text.find_first_not_of(" \t\r\n\f"sv);
  return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

bool is_text(std::string_view bytes) noexcept {
  return std::none_of(bytes.begin(), bytes.end(), [](unsigned char c) {
    return c == 0x7f || (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f');
  });
}

std::string describe_text(std::string_view text) {
  const auto lower = lower_case(text);
  if (lower.starts_with("<!doctype html") || lower.find("<html") != std::string::npos) return "an HTML page";
  if (lower.find("<svg") != std::string::npos) return "an SVG drawing";
  if (lower.starts_with("<?xml")) return "an XML document";
  if (lower.starts_with("<")) return "an HTML or XML fragment";
  if (lower.starts_with("{") || lower.starts_with("[")) return "JSON";
  auto line = std::string(text.substr(0, std::min<std::size_t>(text.find_first_of("\r\n"), 60)));
  return "text: \"" + line + '"';
}

struct signature {
  std::string_view bytes;
  std::string_view words;
};

constexpr std::array others{
    signature{"\x1a\x45\xdf\xa3"sv, "a video (WebM or Matroska)"},
    signature{"%PDF"sv, "a PDF document"},
    signature{"PK\x03\x04"sv, "a ZIP archive"},
    signature{"\x1f\x8b"sv, "gzip data"},
    signature{"\x28\xb5\x2f\xfd"sv, "Zstandard data"},
    signature{"wOFF"sv, "a font"},
    signature{"wOF2"sv, "a font"},
    signature{"OggS"sv, "an Ogg stream"},
    signature{"ID3"sv, "an MP3 file"},
    signature{"FLV\x01"sv, "a video (FLV)"},
};

}  // namespace

image_format detect_image_format(std::string_view b) noexcept {
  if (b.starts_with("\xff\xd8\xff"sv)) return image_format::jpeg;
  // Damage by a transfer in text mode leaves these four bytes: libpng then says so in its own words.
  if (b.starts_with("\x89PNG"sv)) return image_format::png;
  if (b.size() >= 12 && b.starts_with("RIFF"sv) && b.substr(8, 4) == "WEBP"sv) return image_format::webp;
  if (is_iso_media(b)) return format_of_brands(b);
  if (b.starts_with("GIF87a"sv) || b.starts_with("GIF89a"sv)) return image_format::gif;
  // The second header's size, below 256, tells a BMP from text that starts with "BM".
  if (b.size() >= 18 && b.starts_with("BM"sv) && b[14] != 0 && b.substr(15, 3) == "\0\0\0"sv)
    return image_format::bmp;
  if (b.starts_with("II*\0"sv) || b.starts_with("MM\0*"sv) || b.starts_with("II+\0"sv) ||
      b.starts_with("MM\0+"sv))
    return image_format::tiff;
  if (b.starts_with("\xff\x0a"sv) || b.starts_with("\0\0\0\x0cJXL \r\n\x87\n"sv))
    return image_format::jpeg_xl;
  if (b.starts_with("\0\0\0\x0cjP  \r\n\x87\n"sv) || b.starts_with("\xff\x4f\xff\x51"sv))
    return image_format::jpeg_2000;
  if (b.starts_with("\0\0\1\0"sv) && b.size() >= 6) return image_format::ico;
  if (b.starts_with("8BPS"sv)) return image_format::psd;
  return image_format::unknown;
}

std::string_view name_of(image_format format) noexcept {
  switch (format) {
    case image_format::unknown:
      return "unknown";
    case image_format::jpeg:
      return "JPEG";
    case image_format::png:
      return "PNG";
    case image_format::webp:
      return "WebP";
    case image_format::avif:
      return "AVIF";
    case image_format::heif:
      return "HEIF";
    case image_format::gif:
      return "GIF";
    case image_format::bmp:
      return "BMP";
    case image_format::tiff:
      return "TIFF";
    case image_format::jpeg_xl:
      return "JPEG XL";
    case image_format::jpeg_2000:
      return "JPEG 2000";
    case image_format::ico:
      return "ICO";
    case image_format::psd:
      return "PSD";
  }
  return "unknown";
}

std::string describe_non_image(std::string_view bytes) {
  if (bytes.empty()) return "0 bytes";
  if (is_iso_media(bytes)) return "a video (" + std::string(bytes.substr(4, 8)) + ")";
  if (bytes.starts_with("RIFF"sv) && bytes.substr(0, 12).ends_with("AVI "sv)) return "a video (AVI)";
  if (bytes.starts_with("RIFF"sv) && bytes.substr(0, 12).ends_with("WAVE"sv)) return "a sound (WAVE)";
  for (const auto& other : others)
    if (bytes.starts_with(other.bytes)) return std::string(other.words);
  // A kilobyte tells; a byte order mark, comments and white space may stand before the first element.
  const auto text = without_leading_space(bytes.substr(0, 1024));
  if (text.empty()) return "white space";
  if (is_text(text)) return describe_text(text);
  std::string words = "bytes of no known format, starting";
  for (const unsigned char c : bytes.substr(0, 8)) {
    std::array<char, 4> hex{};
    std::snprintf(hex.data(), hex.size(), " %02x", c);
    words += hex.data();
  }
  return words;
}

}  // namespace catwalk::embed
