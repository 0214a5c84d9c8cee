#pragma once
#include "daemon/application.hpp"
#include "daemon/http_router.hpp"

namespace catwalk::daemon {

/// `/health`, `/-/healthy`, `/-/ready` and `/metrics`: open to whoever reaches the port. `app` outlives the
/// router.
void add_health_routes(http_router& router, application& app);

}  // namespace catwalk::daemon
