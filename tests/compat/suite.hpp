#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "tests/support/catch.hpp"

namespace catwalk::tests {

/// The folder `name` of the third-party suites (CATWALK_SUITES); warns that the test is skipped and returns
/// nullopt where the variable is unset. A suite that is set but missing is a failure.
inline std::optional<std::filesystem::path> suite(const std::string& name) {
  const char* root = std::getenv("CATWALK_SUITES");
  if (!root || !*root) {
    WARN("SKIPPED: CATWALK_SUITES is not set; the cases of " + name + " are not part of this project");
    return std::nullopt;
  }
  const auto path = std::filesystem::path(root) / name;
  if (!std::filesystem::exists(path)) throw std::runtime_error("there is no " + path.string());
  return path;
}

inline nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return nlohmann::json::parse(in);
}

}  // namespace catwalk::tests
