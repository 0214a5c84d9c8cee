#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "config/site.hpp"

namespace catwalk::config {

/// Environment variables by name. Tests give their own; `process_environment` takes the process's.
using environment = std::map<std::string, std::string>;
environment process_environment();

/// What the command line said. Unset: the file, the environment or the default decides.
struct overrides {
  std::optional<std::filesystem::path> config_file;
  std::optional<std::string> log_level;
  std::optional<std::string> log_format;
  /// False for what needs none: secrets that this user may not read, or that are not set, are no problem
  /// then.
  bool secrets_needed = true;
};

/// The whole configuration, or what is wrong with it.
struct loaded {
  settings values;
  std::vector<site> sites;
  std::filesystem::path config_file;                ///< empty: none was found, defaults hold
  std::filesystem::path sites_file;                 ///< empty: none was found
  std::filesystem::path state_dir;                  ///< `values.state.dir` resolved
  problems found;                                   ///< errors and warnings, in the order of the files
  std::map<std::string, place, std::less<>> given;  ///< where each setting that was given stands, by key
  /// The keys that some layer sets, with the winning value as it was written, on one line. A secret's value
  /// may stand here: for `changes` alone.
  std::map<std::string, std::string, std::less<>> written = {};
  /// The environment, and what `.env` adds to it. Secrets may stand here.
  environment variables = {};
};

/// Flag, then environment, then `.env`, then file, then default. Looks for `./catwalk.yaml`,
/// `/etc/catwalk/catwalk.yaml`, then a bare `./sites.yaml`; a file that is a list is a sites file. Reads
/// files and touches nothing else.
loaded load(const overrides& flags, const environment& env, const std::filesystem::path& working_dir);

/// Parses one sites file's text (UTF-8 with or without BOM, or UTF-16).
struct loaded_sites {
  std::vector<site> sites;
  problems found;
};
loaded_sites parse_sites(std::string_view text, const std::string& file_name);

}  // namespace catwalk::config
