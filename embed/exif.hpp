#pragma once
#include <string_view>

namespace catwalk::embed {

/// The EXIF orientation of a JPEG (APP1), PNG (eXIf) or WebP (EXIF chunk): 1 to 8 as EXIF 2.3, 4.6.4 numbers
/// them, and 1 for every other picture and for EXIF data that cannot be read. Reads no pixel.
int exif_orientation(std::string_view picture) noexcept;

}  // namespace catwalk::embed
