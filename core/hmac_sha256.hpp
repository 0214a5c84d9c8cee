#pragma once
#include <string_view>

#include "core/sha256.hpp"

namespace catwalk {

/// HMAC-SHA256 (RFC 2104) of `text` under `key`, both bytes, through OpenSSL.
sha256::digest hmac_sha256(std::string_view key, std::string_view text);

}  // namespace catwalk
