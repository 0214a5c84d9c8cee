#pragma once
#include <string_view>

namespace catwalk::config {

/// Whether `name` is a token of RFC 9110, 5.6.2, as a header's name must be.
constexpr bool is_header_name(std::string_view name) noexcept {
  constexpr std::string_view token =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !name.empty() && name.find_first_not_of(token) == std::string_view::npos;
}

}  // namespace catwalk::config
