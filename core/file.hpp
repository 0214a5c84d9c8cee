#pragma once
#include <filesystem>
#include <string>

#include "core/error.hpp"

namespace catwalk {

/// The whole file. Errors: `not_found`, `io` with the system's words.
result<std::string> read_file(const std::filesystem::path& name);

}  // namespace catwalk
