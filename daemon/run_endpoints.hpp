#pragma once
#include "daemon/application.hpp"
#include "daemon/http_router.hpp"

namespace catwalk::daemon {

/// `GET /api/v1/runs`, `/runs/{id}`, `POST /runs/{id}/cancel`. `app` outlives the router.
void add_run_routes(http_router& router, application& app);

}  // namespace catwalk::daemon
