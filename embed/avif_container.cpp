#include "embed/avif_container.hpp"

#include <algorithm>
#include <vector>

namespace catwalk::embed {
namespace {

using namespace std::string_view_literals;

std::uint32_t big_endian(std::string_view bytes, std::size_t at, std::size_t size = 4) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// One box of ISO/IEC 14496-12, 4.2, with a 32-bit size.
struct box {
  std::size_t at = 0, size = 0;
  std::string_view type;
};

/// Calls `take` with the boxes between `from` and `to`; stops at one that does not fit.
template <class Take>
void each_box(std::string_view bytes, std::size_t from, std::size_t to, Take take) {
  while (to - from >= 8) {
    const std::size_t claimed = big_endian(bytes, from);
    const auto size = claimed == 0 ? to - from : claimed;
    if (size < 8 || size > to - from) return;
    take(box{from, size, bytes.substr(from + 4, 4)});
    from += size;
  }
}

/// True for a track whose handler is one of pictures, or that has none.
bool holds_pictures(std::string_view bytes, const box& track) {
  bool pictures = true;
  each_box(bytes, track.at + 8, track.at + track.size, [&](const box& media) {
    if (media.type != "mdia"sv) return;
    each_box(bytes, media.at + 8, media.at + media.size, [&](const box& handler) {
      if (handler.type != "hdlr"sv || handler.size < 20) return;
      const auto kind = bytes.substr(handler.at + 16, 4);
      pictures = kind == "pict"sv || kind == "auxv"sv || kind == "vide"sv;
    });
  });
  return pictures;
}

bool has_reordered_grid(std::string_view bytes) {
  const auto references = bytes.find("iref"sv);
  if (references == std::string_view::npos || references < 4 || bytes.size() - references < 8) return false;
  const std::size_t end =
      std::min<std::size_t>(references - 4 + big_endian(bytes, references - 4), bytes.size());
  const std::size_t id = bytes[references + 4] == 0 ? 2 : 4;
  bool reordered = false;
  if (end < references + 8) return false;
  each_box(bytes, references + 8, end, [&](const box& reference) {
    if (reference.type != "dimg"sv || reference.size < 8 + id + 2) return;
    const std::size_t count = big_endian(bytes, reference.at + 8 + id, 2);
    if (reference.size < 8 + id + 2 + count * id) return;
    std::uint32_t last = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto tile = big_endian(bytes, reference.at + 8 + id + 2 + i * id, id);
      reordered = reordered || tile < last;
      last = tile;
    }
  });
  return reordered;
}

}  // namespace

claimed_size largest_claim(std::string_view bytes) noexcept {
  claimed_size largest;
  for (auto at = bytes.find("ispe"sv); at != std::string_view::npos; at = bytes.find("ispe"sv, at + 4)) {
    if (bytes.size() - at < 16) break;
    const claimed_size here{big_endian(bytes, at + 8), big_endian(bytes, at + 12)};
    if (here.pixels() > largest.pixels()) largest = here;
  }
  return largest;
}

std::optional<std::string> mend_container(std::string_view bytes) {
  std::optional<std::string> mended;
  const auto write = [&](std::size_t at, std::string_view four) {
    if (!mended) mended.emplace(bytes);
    mended->replace(at, 4, four);
  };
  each_box(bytes, 0, bytes.size(), [&](const box& outer) {
    if (big_endian(bytes, outer.at) == 0 && outer.type == "meta"sv && outer.size <= UINT32_MAX) {
      std::string size;
      for (int shift = 24; shift >= 0; shift -= 8) size += static_cast<char>(outer.size >> shift & 0xff);
      write(outer.at, size);
    }
    if (outer.type != "moov"sv) return;
    each_box(bytes, outer.at + 8, outer.at + outer.size, [&](const box& track) {
      if (track.type == "trak"sv && !holds_pictures(bytes, track)) write(track.at + 4, "free"sv);
    });
  });
  return mended;
}

std::string unsupported_layout(std::string_view bytes) {
  if (has_reordered_grid(bytes)) return "the tiles of its grid are in an unusual order";
  const auto groups = bytes.find("grpl"sv);
  if (groups != std::string_view::npos && bytes.substr(groups, 12).ends_with("pymd"sv))
    return "it holds a pyramid of sizes";
  return {};
}

std::string_view optional_transform(std::string_view bytes) {
  // Property associations (ISO/IEC 14496-12, 8.11.14) count the properties from 1.
  const auto content_of = [&](std::string_view type) -> std::string_view {
    const auto at = bytes.find(type);
    if (at == std::string_view::npos || at < 4) return {};
    const std::size_t size = big_endian(bytes, at - 4);
    return size < 8 || size > bytes.size() - (at - 4) ? std::string_view() : bytes.substr(at + 4, size - 8);
  };
  std::vector<std::string_view> properties;
  const auto container = content_of("ipco"sv);
  each_box(container, 0, container.size(), [&](const box& one) { properties.push_back(one.type); });
  const auto links = content_of("ipma"sv);
  if (links.size() < 8) return {};
  const std::size_t id = links[0] == 0 ? 2 : 4, width = (links[3] & 1) != 0 ? 2 : 1;
  std::size_t at = 8;
  for (auto items = big_endian(links, 4); items > 0 && links.size() - at > id; --items) {
    std::size_t count = static_cast<unsigned char>(links[at + id]);
    at += id + 1;
    for (; count > 0 && links.size() - at >= width; --count, at += width) {
      const auto link = big_endian(links, at, width);
      const auto essential = std::uint32_t{1} << (8 * width - 1);
      const auto index = link & (essential - 1);
      if ((link & essential) != 0 || index == 0 || index > properties.size()) continue;
      const auto type = properties[index - 1];
      if (type == "clap"sv || type == "irot"sv || type == "imir"sv) return type;
    }
  }
  return {};
}

}  // namespace catwalk::embed
