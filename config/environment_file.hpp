#pragma once
#include <map>
#include <string>
#include <string_view>

#include "config/problem.hpp"

namespace catwalk::config {

/// A variable with its place: a line of `.env`, or "environment variable NAME".
struct variable {
  std::string value;
  place where;
};
using variables = std::map<std::string, variable>;

struct environment_file {
  variables values;
  problems found;  ///< never with a value in it
};

/// Reads a `.env` (UTF-8 with or without byte order mark, or UTF-16) as python-dotenv does: `NAME=value`,
/// `export NAME=value`, comments, single quotes (nothing inside is special), double quotes (\n, \t, \", \\,
/// \$), values over several lines inside of quotes, and `${NAME}` and `${NAME:-default}` outside of single
/// quotes, from `outer` first, then from the lines above. The last of two lines with one name wins. Lines
/// that are neither are warnings.
environment_file parse_environment_file(std::string_view raw, const std::string& file_name,
                                        const std::map<std::string, std::string>& outer);

}  // namespace catwalk::config
