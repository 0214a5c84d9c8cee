#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "config/load.hpp"
#include "tests/support/catch.hpp"

namespace catwalk::config {

/// A folder of its own below the system's temporary one, removed at the end.
class configuration_folder {
 public:
  configuration_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "catwalk-config-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~configuration_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  configuration_folder(const configuration_folder&) = delete;
  configuration_folder& operator=(const configuration_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// Writes a file that its owner alone can read.
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    std::filesystem::permissions(file,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return file;
  }

  /// Loads this folder's configuration; HOME is set, nothing else.
  loaded load(environment env = {}, const overrides& flags = {}) const {
    env.emplace("HOME", "/home/somebody");
    return catwalk::config::load(flags, env, path_);
  }

  /// Loads with this catwalk.yaml.
  loaded load_text(const std::string& text, const environment& env = {}) const {
    write("catwalk.yaml", text);
    return load(env);
  }

 private:
  std::filesystem::path path_;
};

/// All problems, one per line, as a user sees them.
inline std::string shown(const problems& found) {
  std::string text;
  for (const auto& one : found) text += (text.empty() ? "" : "\n") + to_string(one);
  return text;
}

}  // namespace catwalk::config
