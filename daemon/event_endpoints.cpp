#include "daemon/event_endpoints.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/json_text.hpp"
#include "daemon/http_error.hpp"
#include "daemon/query_parameters.hpp"
#include "daemon/run_json.hpp"
#include "daemon/site_overview.hpp"
#include "daemon/time_text.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr auto look_every = std::chrono::seconds(1);
constexpr auto tell_at_least_every = std::chrono::seconds(15);
constexpr auto goodbye_takes_at_most = std::chrono::milliseconds(500);

}  // namespace

event_endpoints::event_endpoints(application& app)
    : app_(app),
      status_(app),
      hub_(app.loop().get_executor(), {}),
      listened_(app.loop(), asio::steady_timer::time_point::max()),
      tasks_(app.loop().get_executor()) {
  app_.runs().observe(this);
  tasks_.spawn("events", watch());
}

event_endpoints::~event_endpoints() {
  app_.runs().observe(nullptr);
}

asio::awaitable<void> event_endpoints::stop() {
  co_await hub_.close("the daemon stops, or starts with another configuration", goodbye_takes_at_most);
  tasks_.cancel();
  co_await tasks_.join();
}

asio::awaitable<http_reply> event_endpoints::listen(const http_server_request& request) {
  if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
  if (hub_.full())
    co_return error_reply({errc::queue_full, "cannot listen", "", "too many clients listen already", ""});
  auto first = event_hub::event("status", json_text(co_await status_.read()));
  http_reply reply;
  reply.content_type = "text/event-stream";
  reply.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  reply.stream = [this, first = std::move(first)](http_stream& to) {
    listened_.cancel();
    return hub_.serve(to, first);
  };
  co_return reply;
}

asio::awaitable<void> event_endpoints::watch() {
  asio::steady_timer timer(app_.loop());
  nlohmann::json told;
  steady_time told_at{};
  for (;;) {
    if (hub_.clients() == 0) {
      told = nullptr;
      co_await listened_.async_wait(asio::as_tuple(asio::use_awaitable));
      if (tasks_.cancelled()) co_return;
      listened_.expires_at(asio::steady_timer::time_point::max());
    }
    timer.expires_after(look_every);
    co_await timer.async_wait(asio::use_awaitable);
    auto now = co_await status_.read();
    if (!differs(told, now) && steady_now() - told_at < tell_at_least_every) continue;
    hub_.publish("status", json_text(now), true);
    told = std::move(now);
    told_at = steady_now();
  }
}

void event_endpoints::run_started(const run_under_way& run) {
  auto sites = nlohmann::json::array();
  for (const auto& site : run.report->sites) sites.push_back(site.site);
  hub_.publish("run_started", json_text({{"id", run.report->run},
                                         {"job", run.job},
                                         {"sites", std::move(sites)},
                                         {"started", time_text(run.started)}}));
}

void event_endpoints::run_ended(storage::run_id run) {
  if (hub_.clients() > 0) tasks_.spawn("run ended", publish_run(run));
}

void event_endpoints::site_changed(const std::string& site) {
  if (hub_.clients() > 0) tasks_.spawn("site changed", publish_sites({site}));
}

asio::awaitable<void> event_endpoints::publish_run(storage::run_id run) {
  storage::catalogue_browser browser(app_.database());
  auto kept = co_await browser.run(run);
  if (!kept) spdlog::warn("{}", kept.error().to_string());
  if (!kept || !*kept) co_return;
  const auto ended = run_json(told(std::move(**kept), {}), wall_now());
  hub_.publish("run_ended", json_text(ended));
  co_await publish_sites(ended["sites"].get<std::set<std::string>>());
}

asio::awaitable<void> event_endpoints::publish_sites(std::set<std::string> names) {
  const auto sites = co_await site_overview(app_);
  if (!sites) {
    spdlog::warn("{}", sites.error().to_string());
    co_return;
  }
  for (const auto& one : *sites)
    if (names.contains(one["name"].get<std::string>())) hub_.publish("site", json_text(one));
}

void event_endpoints::add_to(http_router& router) {
  const auto token = access_policy::need::token;
  router.add({http::verb::get,
              "/api/v1/events",
              token,
              0,
              [this](const http_server_request& request, const path_values&) { return listen(request); },
              {}});
  router.add({http::verb::get,
              "/api/v1/status",
              token,
              0,
              [this](const http_server_request& request, const path_values&) -> asio::awaitable<http_reply> {
                if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
                co_return json_reply(200, json_text(co_await status_.read()) + "\n");
              },
              {}});
}

}  // namespace catwalk::daemon
