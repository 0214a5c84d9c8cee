#include "daemon/http_session.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <charconv>

#include "core/sha256.hpp"
#include "daemon/token.hpp"

namespace catwalk::daemon {

namespace {

std::string seal(std::string_view token, std::string_view ends) {
  const std::string text = "catwalk session " + std::string(ends);
  sha256::digest out{};
  HMAC(EVP_sha256(), token.data(), static_cast<int>(token.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), nullptr);
  return to_hex(out);
}

}  // namespace

std::string make_session(std::string_view token, wall_time ends) {
  const auto when = std::to_string(to_millis(ends));
  return when + "." + seal(token, when);
}

bool session_holds(std::string_view token, std::string_view value, wall_time now) {
  const auto dot = value.find('.');
  if (dot == std::string_view::npos) return false;
  const auto when = value.substr(0, dot);
  if (!same_secret(value.substr(dot + 1), seal(token, when))) return false;
  std::int64_t ends = 0;
  const auto [end, failure] = std::from_chars(when.data(), when.data() + when.size(), ends);
  return failure == std::errc() && end == when.data() + when.size() && from_millis(ends) > now;
}

std::string_view cookie_value(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const auto semicolon = std::min(header.find(';'), header.size());
    auto pair = header.substr(0, semicolon);
    header.remove_prefix(std::min(semicolon + 1, header.size()));
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
  }
  return {};
}

}  // namespace catwalk::daemon
