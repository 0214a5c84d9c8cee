#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace catwalk::embed {

/// Width and height as a file claims them.
struct claimed_size {
  std::uint32_t width = 0, height = 0;
  std::uint64_t pixels() const noexcept { return std::uint64_t{width} * height; }
};

/// The largest size that an item of an AVIF file claims in its property `ispe` (ISO/IEC 23008-12, 6.5.3).
/// libavif refuses what is beyond its limit as unreadable, without a number.
claimed_size largest_claim(std::string_view bytes) noexcept;

/// A copy of an AVIF file in a form that libavif 0.11 reads, where it is in one that only later versions do:
/// a last box without a size gets one, and tracks that hold no pictures (sound) are blanked out. nullopt
/// where nothing of that is there.
std::optional<std::string> mend_container(std::string_view bytes);

/// What a file holds that is refused, in words; empty where there is nothing of that. A grid whose tiles are
/// listed in another order than that of their ids: before version 1.0 libavif puts them in the wrong places,
/// silently. A pyramid of sizes (`pymd`), of which Pillow and libavif 1.4 show none either.
std::string unsupported_layout(std::string_view bytes);

/// The first of `clap`, `irot` and `imir` that an item has without it being marked essential, which a reader
/// has to refuse (ISO/IEC 23000-22, 7.3.9; libavif does since version 1.0); empty where there is none.
std::string_view optional_transform(std::string_view bytes);

}  // namespace catwalk::embed
