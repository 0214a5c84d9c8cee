#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "core/clock.hpp"

namespace catwalk::daemon {

/// The name of the cookie that a browser holds instead of the token.
inline constexpr std::string_view session_cookie = "catwalk_session";
inline constexpr std::chrono::hours session_life{24 * 30};

/// A session's value: when it ends, and an HMAC-SHA256 of that under the token. Nothing is stored: a session
/// outlives the daemon, and another token ends them all.
std::string make_session(std::string_view token, wall_time ends);
bool session_holds(std::string_view token, std::string_view value, wall_time now);

/// The value of one cookie in a `Cookie` header (RFC 6265, 4.2.1); empty where it is not there.
std::string_view cookie_value(std::string_view header, std::string_view name);

}  // namespace catwalk::daemon
