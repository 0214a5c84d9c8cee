#pragma once
#include <filesystem>

#include "config/secret.hpp"
#include "core/error.hpp"
#include "core/token.hpp"

namespace catwalk::daemon {

/// Where the token is kept that was made because none is configured.
std::filesystem::path token_file(const std::filesystem::path& state_dir);

/// The API's token: the configured one, else the one in the state folder, else a new one, written
/// there for its owner alone (0600). Errors: `io`, `disk_full`.
result<config::secret> load_or_make_token(const config::secret& configured,
                                          const std::filesystem::path& state_dir);

/// The token without making one. Errors: `not_found` where the daemon never started, `io` where this user may
/// not read it.
result<config::secret> load_token(const config::secret& configured, const std::filesystem::path& state_dir);

}  // namespace catwalk::daemon
