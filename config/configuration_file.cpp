#include "config/configuration_file.hpp"

#include <grp.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "config/yaml_value.hpp"

namespace catwalk::config {
namespace {

/// Who may read the file, or enter the first folder on the way to it that bars this user.
std::string permission_hint(std::filesystem::path path) {
  struct stat info {};
  while (::stat(path.c_str(), &info) != 0) {
    if (path == path.parent_path()) return "check its permissions";
    path = path.parent_path();
  }
  const group* owners = (info.st_mode & S_IRGRP) != 0 && info.st_gid != 0 ? ::getgrgid(info.st_gid) : nullptr;
  if (owners == nullptr) return "check its permissions";
  const std::string name = owners->gr_name;
  return "members of the group " + name + " may: `sudo usermod -aG " + name +
         " $USER`, then log in again; or use sudo";
}

}  // namespace

std::optional<std::filesystem::path> find_configuration_file(
    const std::optional<std::filesystem::path>& asked_for, const std::filesystem::path& working_dir,
    const std::filesystem::path& system_dir) {
  if (asked_for) return (working_dir / *asked_for).lexically_normal();
  for (const auto& path :
       {working_dir / "catwalk.yaml", system_dir / "catwalk.yaml", working_dir / "sites.yaml"}) {
    std::error_code failure;
    const auto type = std::filesystem::status(path, failure).type();
    if (type == std::filesystem::file_type::not_found) continue;
    // A system's file that cannot be looked at counts as present, so that reading it says why. In a working
    // folder that this user may not enter (`sudo -u` keeps the other's) there is none of his.
    if (type == std::filesystem::file_type::none && path.parent_path() == working_dir) continue;
    return path.lexically_normal();
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
    const int why = errno ? errno : EIO;  // looking the group up sets it anew
    return refuse(found, where, std::string("cannot be read: ") + std::strerror(why),
                  why == EACCES ? permission_hint(path) : "check its permissions");
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
