#pragma once
#include <span>
#include <string_view>

namespace catwalk::daemon {

/// A file that was built into the executable.
struct embedded_file {
  std::string_view path;  ///< below daemon/: "web/index.html", "openapi.json"
  std::string_view bytes;
};

/// Every one of them; made by cmake/catwalk_embed_files.cmake.
std::span<const embedded_file> embedded_files();

}  // namespace catwalk::daemon
