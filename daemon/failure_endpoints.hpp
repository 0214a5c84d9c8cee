#pragma once
#include "daemon/application.hpp"
#include "daemon/http_router.hpp"
#include "storage/failures.hpp"

namespace catwalk::daemon {

/// `GET /api/v1/failures`, `/failures/{id}`, `POST /failures/retry`, `/failures/drop`. `app` outlives the
/// router.
void add_failure_routes(http_router& router, application& app);

/// The dead letters that a body names: `{"ids": […]}`, or `{"all": true}` with `site` and `code`.
result<storage::failure_choice> read_failure_choice(std::string_view body);

}  // namespace catwalk::daemon
