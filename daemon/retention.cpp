#include "daemon/retention.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/json_text.hpp"
#include "daemon/application.hpp"
#include "daemon/http_error.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

storage::retention_limits limits_of(const config::retention_settings& settings) {
  return {settings.runs, settings.failures, settings.gone_products};
}

nlohmann::json as_json(const storage::pruned_rows& rows) {
  return {{"runs", rows.runs},     {"failures", rows.failures}, {"products", rows.products},
          {"images", rows.images}, {"texts", rows.texts},       {"pages", rows.pages},
          {"events", rows.events}, {"copies", rows.copies}};
}

asio::awaitable<void> keep_pruning(application& app) {
  asio::steady_timer timer(app.loop(), std::chrono::minutes(5));
  for (;;) {
    co_await timer.async_wait(asio::use_awaitable);
    const auto limits = limits_of(app.settings().retention);
    const auto rows = co_await storage::prune_state(app.database(), limits, wall_now());
    if (!rows)
      spdlog::error("{}", rows.error().to_string());
    else if (rows->sum() > 0)
      spdlog::info("retention: {}", json_text(as_json(*rows)));
    timer.expires_after(std::chrono::hours(24));
  }
}

void add_prune_route(http_router& router, application& app) {
  const auto answer = [&app](const http_server_request&, const path_values&) -> asio::awaitable<http_reply> {
    const auto limits = limits_of(app.settings().retention);
    const auto rows = co_await storage::prune_state(app.database(), limits, wall_now());
    if (!rows) co_return error_reply(rows.error());
    co_return json_reply(200, json_text(as_json(*rows)) + "\n");
  };
  router.add({boost::beast::http::verb::post, "/-/prune", access_policy::need::token, 0, answer, {}});
}

}  // namespace catwalk::daemon
