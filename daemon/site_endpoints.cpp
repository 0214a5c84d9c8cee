#include "daemon/site_endpoints.hpp"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <variant>

#include "core/json_text.hpp"
#include "daemon/http_error.hpp"
#include "daemon/json_body.hpp"
#include "daemon/probe_run.hpp"
#include "daemon/query_parameters.hpp"
#include "daemon/site_overview.hpp"
#include "scrape/text.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

using nlohmann::json;

constexpr auto longest_probe = std::chrono::seconds(60);

error no_site(const std::string& name) {
  return {errc::not_found, "no such site", scrape::valid_utf8(name), "", "GET /api/v1/sites has their names"};
}

http_reply named(const std::vector<json>& sites, const std::string& name) {
  const auto found =
      std::find_if(sites.begin(), sites.end(), [&](const json& site) { return site["name"] == name; });
  return found == sites.end() ? error_reply(no_site(name)) : json_reply(200, json_text(*found) + "\n");
}

/// Holds a flag for as long as it lives.
class held_flag {
 public:
  explicit held_flag(bool& flag) : flag_(flag) { flag_ = true; }
  ~held_flag() { flag_ = false; }
  held_flag(const held_flag&) = delete;
  held_flag& operator=(const held_flag&) = delete;

 private:
  bool& flag_;
};

}  // namespace

result<run_request> read_run_order(std::string_view body) {
  run_request request;
  // The answer does not wait for the sink; the writer goes on by itself.
  request.sink_wait = std::chrono::milliseconds(0);
  if (body.empty()) return request;
  const auto given = read_json_object(body, {"limit", "refresh", "sync", "allow_deletes"});
  if (!given) return given.error();
  for (const auto* name : {"refresh", "sync"})
    if (given->contains(name) && !(*given)[name].is_boolean())
      return wrong_member(name, "it is neither true nor false");
  request.read.refresh = given->value("refresh", false);
  request.sync = given->value("sync", false);
  if (given->contains("limit")) {
    const auto limit = whole_number_of((*given)["limit"], 1, 1'000'000);
    if (!limit) return wrong_member("limit", "it is no number from 1 to 1000000");
    request.read.limit = static_cast<int>(*limit);
  }
  if (given->contains("allow_deletes")) {
    request.allow_deletes = whole_number_of((*given)["allow_deletes"], 1, 1'000'000'000);
    if (!request.allow_deletes) return wrong_member("allow_deletes", "it is no number from 1 to 1000000000");
    if (!request.sync) return wrong_member("allow_deletes", "it goes with \"sync\": true alone");
  }
  return request;
}

asio::awaitable<http_reply> site_endpoints::list(const http_server_request& request) {
  query_parameters query(request);
  const auto limit = static_cast<std::size_t>(query.limit());
  const auto after = query.text("after");
  if (const auto wrong = query.finish()) co_return error_reply(*wrong);
  const auto sites = co_await site_overview(app_);
  if (!sites) co_return error_reply(sites.error());
  json page{{"items", json::array()}, {"next", nullptr}};
  for (const auto& site : *sites) {
    if (after && site["name"] <= *after) continue;
    if (page["items"].size() == limit) {
      page["next"] = page["items"].back()["name"];
      break;
    }
    page["items"].push_back(site);
  }
  co_return json_reply(200, json_text(page) + "\n");
}

asio::awaitable<http_reply> site_endpoints::show(const http_server_request& request, std::string name) {
  if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
  const auto sites = co_await site_overview(app_);
  if (!sites) co_return error_reply(sites.error());
  const auto* site = find_site(app_, name);
  co_return named(*sites, site != nullptr ? site->name : name);
}

asio::awaitable<http_reply> site_endpoints::run(const http_server_request& request, std::string name) {
  if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
  auto order = read_run_order(request.body());
  if (!order) co_return error_reply(order.error());
  const auto* site = find_site(app_, name);
  if (site == nullptr) co_return error_reply(no_site(name));
  if (const auto reader = app_.runs().reader_of(site->name))
    co_return problem_reply(409, "conflict",
                            "run " + std::to_string(*reader) + " reads " + site->name + " already");
  order->sites = {site->name};
  const auto begun = co_await runs_.begin(std::move(*order));
  if (!begun) co_return error_reply(begun.error());
  co_return json_reply(202, json_text({{"run", *begun}}) + "\n");
}

asio::awaitable<http_reply> site_endpoints::pause(const http_server_request& request, std::string name,
                                                  bool paused) {
  if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
  const auto* site = find_site(app_, name);
  if (site == nullptr) co_return error_reply(no_site(name));
  result<void> changed;
  if (paused) {
    auto done = co_await app_.paused().pause(site->name, wall_now());
    changed = std::move(done);
  } else {
    auto done = co_await app_.paused().resume(site->name);
    changed = std::move(done);
  }
  if (!changed) co_return error_reply(changed.error());
  events_.site_changed(site->name);
  const auto sites = co_await site_overview(app_);
  if (!sites) co_return error_reply(sites.error());
  co_return named(*sites, site->name);
}

asio::awaitable<http_reply> site_endpoints::probe(const http_server_request& request) {
  using namespace asio::experimental::awaitable_operators;
  if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
  const auto order = read_json_object(request.body(), {"url"});
  if (!order) co_return error_reply(order.error());
  if (!order->contains("url") || !(*order)["url"].is_string())
    co_return error_reply(wrong_member("url", "it is no http or https address"));
  auto url = (*order)["url"].get<std::string>();
  if (url.empty() || url.size() > 2000 || !(url.starts_with("http://") || url.starts_with("https://")))
    co_return error_reply(wrong_member("url", "it is no http or https address of at most 2000 bytes"));
  if (probing_)
    co_return error_reply(
        {errc::queue_full, "cannot probe", "", "another probe is under way", "try again in a minute"});
  const held_flag one(probing_);
  asio::steady_timer limit(app_.loop(), longest_probe);
  auto probing = run_probe(app_.loop().get_executor(), app_.settings().fetch, std::move(url),
                           probe_browser::none, app_.permitted_endpoints());
  auto ended = co_await (std::move(probing) || limit.async_wait(asio::use_awaitable));
  if (ended.index() == 1)
    co_return error_reply(
        {errc::timeout, "cannot probe", "", "it took longer than a minute", "`catwalk probe` has no limit"});
  const auto& report = std::get<0>(ended);
  if (!report) co_return error_reply(report.error());
  co_return json_reply(
      200,
      json_text({{"kind", report->kind}, {"rows", rows_of(*report)}, {"stanza", report->stanza}}) + "\n");
}

void site_endpoints::add_to(http_router& router) {
  using values = path_values;
  const auto add = [&](http::verb method, const char* path, std::size_t most, auto answer) {
    router.add({method, path, access_policy::need::token, most, std::move(answer), {}});
  };
  add(http::verb::get, "/api/v1/sites", 0,
      [this](const http_server_request& request, const values&) { return list(request); });
  add(http::verb::get, "/api/v1/sites/{name}", 0,
      [this](const http_server_request& request, const values& in) { return show(request, in.at("name")); });
  add(http::verb::post, "/api/v1/sites/{name}/run", 4096,
      [this](const http_server_request& request, const values& in) { return run(request, in.at("name")); });
  add(http::verb::post, "/api/v1/sites/{name}/pause", 0,
      [this](const http_server_request& request, const values& in) {
        return pause(request, in.at("name"), true);
      });
  add(http::verb::post, "/api/v1/sites/{name}/resume", 0,
      [this](const http_server_request& request, const values& in) {
        return pause(request, in.at("name"), false);
      });
  add(http::verb::post, "/api/v1/probe", 4096,
      [this](const http_server_request& request, const values&) { return probe(request); });
}

}  // namespace catwalk::daemon
