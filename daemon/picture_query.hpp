#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "embed/picture_view.hpp"

namespace catwalk::daemon {

/// A picture that someone asks about: its bytes, or where they are.
struct picture_query {
  std::string address;  ///< http or https; empty where `bytes` are given
  std::string bytes;
  embed::picture_view view;
};

/// Reads what `POST /embed` takes. Takes milliseconds for each MB: call it off the loop.
///
/// - JSON: `{"image": ADDRESS, "type": "url"}` or `{"image": BASE64, "type": "base64"}` (a `data:` address
///   too), with `"exif": true|false` and `"crop": [x, y, width, height]`.
/// - `multipart/form-data`: the file `image`, the fields `exif` and `crop` (`x,y,width,height`).
///
/// `exif` is true for bytes, since phones send them, and false for addresses, whose vectors are to be those
/// of the catalogue. Errors: `invalid_argument`, `malformed`.
result<picture_query> read_picture_query(std::string_view content_type, std::string_view body);

/// A picture as an address, a `data:` address or base64. Errors: `invalid_argument`.
result<picture_query> picture_from_text(std::string_view text);

}  // namespace catwalk::daemon
