#include "config/state_dir.hpp"

#include "config/system_folder.hpp"

namespace catwalk::config {
namespace {

/// The XDG specification has relative paths ignored; a service manager gives none.
std::filesystem::path absolute_path(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  if (found == environment.end()) return {};
  std::filesystem::path path = found->second.substr(0, found->second.find(':'));
  return path.is_absolute() ? path : std::filesystem::path();
}

}  // namespace

std::filesystem::path resolve_state_dir(const std::filesystem::path& configured,
                                        const std::filesystem::path& folder,
                                        const std::map<std::string, std::string>& environment, bool root) {
  if (configured != "auto") return (folder / configured).lexically_normal();
  if (auto path = absolute_path(environment, "STATE_DIRECTORY"); !path.empty()) return path;
  if (root || folder == system_folder) return system_state_folder;
  if (auto path = absolute_path(environment, "XDG_STATE_HOME"); !path.empty()) return path / "catwalk";
  if (auto path = absolute_path(environment, "HOME"); !path.empty()) return path / ".local/state/catwalk";
  return {};
}

}  // namespace catwalk::config
