#pragma once
#include <string>
#include <string_view>

namespace catwalk::storage {

/// A picture's address as it is fetched. The predecessor stored addresses as it found them: without a scheme,
/// and with `{width}`.
inline std::string fetchable(std::string url) {
  if (url.starts_with("//")) url.insert(0, "https:");
  constexpr std::string_view width = "{width}";
  if (const auto at = url.find(width); at != std::string::npos) url.replace(at, width.size(), "800");
  return url;
}

}  // namespace catwalk::storage
