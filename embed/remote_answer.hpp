#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "embed/picture_view.hpp"

namespace catwalk::embed {

/// The predecessor's remote contract, as text. No I/O.
///
/// `{"image": ADDRESS, "type": "url"}`.
std::string remote_request_by_address(std::string_view address);
/// `{"image": BASE64, "type": "base64", "exif": …, "crop": …}`: what catwalk's own `/embed` understands
/// beyond it.
std::string remote_request_by_bytes(std::string_view bytes, const picture_view& view);

/// Reads `{"embedding": [numbers]}`. `width` 0 takes any. Errors: `remote_encoder` (no such answer, numbers
/// that are not finite or all zero), `model_mismatch` (another width).
result<std::vector<float>> read_remote_answer(std::string_view body, int width, std::string_view service);

}  // namespace catwalk::embed
