#pragma once
#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include "config/settings.hpp"
#include "daemon/http_router.hpp"
#include "storage/state_maintenance.hpp"

namespace catwalk::daemon {

class application;

storage::retention_limits limits_of(const config::retention_settings& settings);

/// `{"runs": 3, "failures": 0, …}`: how many rows left.
nlohmann::json as_json(const storage::pruned_rows& rows);

/// Prunes the state a few minutes after the start and then once a day, until it is cancelled.
boost::asio::awaitable<void> keep_pruning(application& app);

/// `POST /-/prune`: prunes now.
void add_prune_route(http_router& router, application& app);

}  // namespace catwalk::daemon
