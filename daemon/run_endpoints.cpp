#include "daemon/run_endpoints.hpp"

#include "core/json_text.hpp"
#include "daemon/http_error.hpp"
#include "daemon/query_parameters.hpp"
#include "daemon/run_json.hpp"
#include "storage/catalogue_browser.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

using nlohmann::json;

error no_run(const std::string& id) {
  return {errc::not_found, "no such run", id, "", "GET /api/v1/runs has their numbers"};
}

asio::awaitable<http_reply> list(application& app, const http_server_request& request) {
  query_parameters query(request);
  const int limit = query.limit();
  const auto after = query.after();
  auto site = query.text("site");
  if (const auto wrong = query.finish()) co_return error_reply(*wrong);
  storage::catalogue_browser browser(app.database());
  auto runs = co_await browser.runs(limit, after, std::move(site));
  if (!runs) co_return error_reply(runs.error());
  const auto live = app.runs().under_way();
  json page{{"items", json::array()}, {"next", nullptr}};
  if (static_cast<int>(runs->size()) == limit) page["next"] = std::to_string(runs->back().summary.id);
  for (auto& run : *runs) page["items"].push_back(run_json(told(std::move(run), live), wall_now()));
  co_return json_reply(200, json_text(page) + "\n");
}

asio::awaitable<http_reply> show(application& app, const http_server_request& request, std::string text) {
  if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
  const auto id = whole_number(text);
  if (!id) co_return error_reply(no_run(text));
  storage::catalogue_browser browser(app.database());
  auto run = co_await browser.run(*id);
  if (!run) co_return error_reply(run.error());
  if (!*run) co_return error_reply(no_run(text));
  auto earlier = co_await browser.run_before(*id);
  if (!earlier) co_return error_reply(earlier.error());
  std::optional<told_run> before;
  if (*earlier) before = told(std::move(**earlier), {});
  const auto shown = told(std::move(**run), app.runs().under_way());
  co_return json_reply(200, json_text(run_detail_json(shown, before, wall_now())) + "\n");
}

asio::awaitable<http_reply> cancel(application& app, const http_server_request& request, std::string text) {
  if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
  const auto id = whole_number(text);
  if (!id) co_return error_reply(no_run(text));
  if (app.runs().cancel(*id)) co_return json_reply(202, json_text({{"run", *id}}) + "\n");
  const auto run = co_await app.catalogue().find_run(*id);
  if (!run) co_return error_reply(run.error());
  if (!*run) co_return error_reply(no_run(text));
  co_return problem_reply(409, "conflict", "run " + text + " has ended already");
}

}  // namespace

void add_run_routes(http_router& router, application& app) {
  using values = path_values;
  const auto token = access_policy::need::token;
  router.add({http::verb::get,
              "/api/v1/runs",
              token,
              0,
              [&app](const http_server_request& request, const values&) { return list(app, request); },
              {}});
  router.add({http::verb::get,
              "/api/v1/runs/{id}",
              token,
              0,
              [&app](const http_server_request& request, const values& in) {
                return show(app, request, in.at("id"));
              },
              {}});
  router.add({http::verb::post,
              "/api/v1/runs/{id}/cancel",
              token,
              0,
              [&app](const http_server_request& request, const values& in) {
                return cancel(app, request, in.at("id"));
              },
              {}});
}

}  // namespace catwalk::daemon
