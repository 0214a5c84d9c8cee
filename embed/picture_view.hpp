#pragma once
#include <optional>
#include <string_view>

#include "core/error.hpp"
#include "embed/image.hpp"

namespace catwalk::embed {

/// A rectangle in pixels, from the upper left corner.
struct crop_box {
  int x = 0, y = 0, width = 0, height = 0;
};

/// How a picture is looked at before it is embedded. The catalogue's pictures are taken as they are.
struct picture_view {
  bool upright = false;          ///< turned as its EXIF orientation says, as a phone's photographs need
  std::optional<crop_box> crop;  ///< what of it counts, in the pixels that are seen, after turning

  bool whole() const noexcept { return !upright && !crop; }
};

/// The picture turned as EXIF orientation 1 to 8 says.
decoded_image turned(decoded_image image, int orientation);

/// What `view` shows of a picture: `bytes` are the file it was decoded from. A crop that reaches over the
/// edge ends there. Errors: `invalid_argument` where the crop shows nothing.
result<decoded_image> seen(decoded_image image, std::string_view bytes, const picture_view& view,
                           std::string_view name);

}  // namespace catwalk::embed
