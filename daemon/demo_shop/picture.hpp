#pragma once
#include <cstdint>
#include <string>

#include "daemon/demo_shop/garment.hpp"

namespace catwalk::daemon {

/// Draws a garment on a pale backdrop as a shop's photograph, 800 x 1200 pixels (a PNG 400 x 600), and
/// encodes it in its format. Tens of milliseconds; thread-safe.
std::string draw_picture(const garment& g);

}  // namespace catwalk::daemon
