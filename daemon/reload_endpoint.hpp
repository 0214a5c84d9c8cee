#pragma once
#include <functional>
#include <string>
#include <vector>

#include "daemon/http_router.hpp"

namespace catwalk::daemon {

/// `POST /-/reload`: 200 with `{"changes": […]}`, or 400 with what is wrong; the old configuration stays
/// then.
void add_reload_route(http_router& router, std::function<result<std::vector<std::string>>()> reload);

}  // namespace catwalk::daemon
