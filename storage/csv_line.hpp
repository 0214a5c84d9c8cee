#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace catwalk::storage {

/// One line of RFC 4180, with its end: these members of a row, absent and null ones as nothing, lists and
/// objects as JSON, a vector as `[0.1,…]`.
std::string csv_line(const std::vector<std::string>& columns, const nlohmann::json& row);

/// The line that names the columns.
std::string csv_header(const std::vector<std::string>& columns);

}  // namespace catwalk::storage
