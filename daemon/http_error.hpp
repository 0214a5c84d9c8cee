#pragma once
#include "core/error.hpp"
#include "daemon/http_server.hpp"

namespace catwalk::daemon {

/// The status that tells a caller whose fault it is: the request (4xx), the picture's server (502), or the
/// daemon's (5xx).
int http_status_of(const error& e) noexcept;

/// `{"error": {"code": …, "message": …, "type": …}}`, the shape of OpenAI's errors, with `Retry-After` where
/// trying again helps.
http_reply error_reply(const error& e);

}  // namespace catwalk::daemon
