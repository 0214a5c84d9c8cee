#pragma once
#include <cstdint>
#include <string>

#include "daemon/demo_shop/garment.hpp"

namespace catwalk::daemon {

/// Encodes `rgb` [height, width, 3]. Throws std::runtime_error with the codec's words.
std::string encode_picture(const std::uint8_t* rgb, int width, int height, picture_format format);

}  // namespace catwalk::daemon
