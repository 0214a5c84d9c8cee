#pragma once
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "embed/image.hpp"

namespace catwalk::embed {

/// How large a thumbnail is at most, in pixels; the picture's own proportions are kept, and a smaller picture
/// is not enlarged.
struct thumbnail_size {
  int width = 320;
  int height = 480;
};

/// The picture as a small WebP: decoded with the pipeline's decoders and limits. Takes one core for some 10
/// ms: call it off the loop. Errors: as decode_image.
result<std::string> make_thumbnail(std::string_view bytes, std::string_view name, const decode_limits& limits,
                                   thumbnail_size most);

}  // namespace catwalk::embed
