#pragma once
#include "daemon/http_router.hpp"

namespace catwalk::daemon {

/// `POST /api/v1/login` (`{"token": …}` or the token as Bearer -> the session's cookie) and `POST
/// /api/v1/logout`. `GET /-/token` tells the token to those who come by the unix socket.
void add_session_routes(http_router& router, const access_policy& policy);

}  // namespace catwalk::daemon
