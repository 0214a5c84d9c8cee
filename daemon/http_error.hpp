#pragma once
#include <string_view>

#include "core/error.hpp"
#include "daemon/http_server.hpp"

namespace catwalk::daemon {

/// The status that tells a caller whose fault it is: the request (4xx), the picture's server (502), or the
/// daemon's (5xx).
int http_status_of(const error& e) noexcept;

/// `{"error": {"code": …, "message": …, "type": …}}`, the shape of OpenAI's errors, with `Retry-After` where
/// trying again helps.
http_reply error_reply(const error& e);

/// The same shape for what is no `error`: a refusal on the headers alone. `code` is a word to decide on.
http_reply problem_reply(int status, std::string_view code, std::string_view message);

}  // namespace catwalk::daemon
