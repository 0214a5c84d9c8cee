#include "daemon/health_endpoints.hpp"

#include "core/json_text.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

void add_health_routes(http_router& router, application& app) {
  using values = path_values;
  const auto open = [&](std::string path, auto answer) {
    router.add({http::verb::get, std::move(path), access_policy::need::nothing, 0, std::move(answer), {}});
  };
  open("/-/healthy", [](const http_server_request&, const values&) -> asio::awaitable<http_reply> {
    co_return text_reply(200, "healthy\n");
  });
  open("/-/ready", [&app](const http_server_request&, const values&) -> asio::awaitable<http_reply> {
    const bool ready = app.ready();
    co_return text_reply(ready ? 200 : 503, ready ? "ready\n" : "still starting\n");
  });
  open("/metrics", [&app](const http_server_request&, const values&) -> asio::awaitable<http_reply> {
    auto reply = text_reply(200, app.metrics().text());
    reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
    co_return reply;
  });
  open("/health", [&app](const http_server_request&, const values&) -> asio::awaitable<http_reply> {
    const auto health = co_await app.current_health();
    co_return json_reply(health.ok ? 200 : 503, json_text(health.body, 2) + "\n");
  });
}

}  // namespace catwalk::daemon
