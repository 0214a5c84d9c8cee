#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "config/problem.hpp"

namespace catwalk::config {

/// What reading one configuration needs and gathers, whatever layer (file, `.env`, environment, flag) is
/// being read.
struct reading {
  problems& found;
  const std::map<std::string, std::string>& environment;  ///< the process's over `.env`
  std::filesystem::path folder;                     ///< of the configuration file; relative paths start here
  bool lists_by_comma = false;                      ///< environment variables write lists as `a,b`
  std::map<std::string, place, std::less<>> given;  ///< keys that some layer sets, with the winning place
  std::map<std::string, problem, std::less<>>
      missing_secrets;  ///< by key: secrets that could not be resolved
  std::map<std::string, std::string, std::less<>> written = {};  ///< see `loaded::written`
  bool secrets_needed = true;                                    ///< see `overrides::secrets_needed`
};

}  // namespace catwalk::config
