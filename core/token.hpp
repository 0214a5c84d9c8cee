#pragma once
#include <string_view>

#include "config/secret.hpp"
#include "core/error.hpp"

namespace catwalk {

/// A new token: 256 random bits in base64url. Errors: `internal` where the system gives no random numbers.
result<config::secret> make_token();

/// Equality in a time that says nothing about where two texts differ, nor how long the secret is.
bool same_secret(std::string_view given, std::string_view secret);

}  // namespace catwalk
