#pragma once
#include <filesystem>
#include <map>
#include <string>

namespace catwalk::config {

/// `state.dir` resolved. `auto` is the first folder of $STATE_DIRECTORY, else /var/lib/catwalk for root and
/// for the configuration in /etc/catwalk, else $XDG_STATE_HOME/catwalk, else ~/.local/state/catwalk; a
/// relative path starts at `folder`, which is the configuration's. Empty: `auto`, none of these, and no
/// variable says where.
std::filesystem::path resolve_state_dir(const std::filesystem::path& configured,
                                        const std::filesystem::path& folder,
                                        const std::map<std::string, std::string>& environment, bool root);

}  // namespace catwalk::config
