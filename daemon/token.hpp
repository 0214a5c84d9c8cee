#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "config/secret.hpp"
#include "core/error.hpp"

namespace catwalk::daemon {

/// Where the token is kept that was made because none is configured.
std::filesystem::path token_file(const std::filesystem::path& state_dir);

/// A new token: 256 random bits in base64url.
result<config::secret> make_token();

/// The API's token: the configured one, else the one in the state folder, else a new one, written
/// there for its owner alone (0600). Errors: `io`, `disk_full`.
result<config::secret> load_or_make_token(const config::secret& configured,
                                          const std::filesystem::path& state_dir);

/// The token without making one. Errors: `not_found` where the daemon never started, `io` where this user may
/// not read it.
result<config::secret> load_token(const config::secret& configured, const std::filesystem::path& state_dir);

/// Equality in a time that says nothing about where two texts differ, nor how long the secret is.
bool same_secret(std::string_view given, std::string_view secret);

}  // namespace catwalk::daemon
