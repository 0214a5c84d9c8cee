#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace catwalk {

/// The bytes that base64 text (RFC 4648) stands for: the usual alphabet or the one for addresses, padded or
/// not, white space ignored. nullopt for anything else.
std::optional<std::string> base64_decode(std::string_view text);

/// With padding, in the usual alphabet.
std::string base64_encode(std::string_view bytes);

}  // namespace catwalk
