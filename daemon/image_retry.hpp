#pragma once
#include <optional>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace catwalk::daemon {

/// When an image that failed is tried again. I/O-free.
///
/// What the image itself is wrong in (broken, not an image, gone, forbidden) waits until its address changes;
/// what may pass (network, 429, 5xx, the encoder) is tried after 10 minutes, doubling up to a day.
std::optional<wall_time> next_image_try(const error& why, int attempts, wall_time now);

}  // namespace catwalk::daemon
