#include "config/configuration_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "config/yaml_value.hpp"

namespace catwalk::config {

std::optional<std::filesystem::path> find_configuration_file(
    const std::optional<std::filesystem::path>& asked_for, const std::filesystem::path& working_dir,
    const std::filesystem::path& system_dir) {
  if (asked_for) return (working_dir / *asked_for).lexically_normal();
  for (const auto& path :
       {working_dir / "catwalk.yaml", system_dir / "catwalk.yaml", working_dir / "sites.yaml"}) {
    std::error_code failure;
    // One that cannot be looked at counts as present, so that reading it says why.
    const auto type = std::filesystem::status(path, failure).type();
    if (type != std::filesystem::file_type::not_found) return path.lexically_normal();
  }
  return std::nullopt;
}

std::optional<std::string> read_whole_file(const std::filesystem::path& path, const std::string& shown,
                                           problems& found) {
  const place where{shown, 0, 0};
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (status.type() == std::filesystem::file_type::not_found) {
    return refuse(found, where, "no such file", "check the path");
  }
  if (status.type() == std::filesystem::file_type::directory)
    return refuse(found, where, "a folder, not a file");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return refuse(found, where, std::string("cannot be read: ") + std::strerror(errno ? errno : EIO),
                  "check its permissions");
  }
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return refuse(found, where, "cannot be read to its end");
  return text;
}

std::string shown_path(const std::filesystem::path& path, const std::filesystem::path& working_dir) {
  const auto relative = path.lexically_relative(working_dir);
  if (relative.empty() || *relative.begin() == "..") return path.string();
  return relative.string();
}

}  // namespace catwalk::config
