#include "daemon/health_endpoints.hpp"

#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>

#include "core/json_text.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

/// "127.0.0.1:9817" -> "127.0.0.1", "[::1]:9817" -> "[::1]".
std::string_view without_port(std::string_view host) {
  const auto bracket = host.rfind(']');
  const auto colon = host.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return host;
  return host.substr(0, colon);
}

http_reply text_reply(int status, std::string text) {
  http_reply reply;
  reply.status = status;
  reply.body = std::move(text);
  return reply;
}

}  // namespace

bool health_endpoints::known_host(const http_server_request& request) const {
  const auto field = request[http::field::host];
  const auto host = without_port({field.data(), field.size()});
  if (host == "localhost" || host == "127.0.0.1" || host == "[::1]") return true;
  const auto& settings = app_.settings().http;
  if (host == without_port(settings.listen)) return true;
  for (const auto& known : settings.hosts)
    if (host == known) return true;
  return false;
}

asio::awaitable<http_reply> health_endpoints::answer(const http_server_request& request) {
  if (!known_host(request)) co_return text_reply(421, "unknown host: name it in http.hosts\n");
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    auto reply = text_reply(405, "GET and HEAD alone\n");
    reply.headers.emplace_back("Allow", "GET, HEAD");
    co_return reply;
  }
  const std::string_view target(request.target().data(), request.target().size());
  const auto path = target.substr(0, target.find('?'));
  if (path == "/-/healthy") co_return text_reply(200, "healthy\n");
  if (path == "/-/ready") {
    const bool ready = app_.ready();
    co_return text_reply(ready ? 200 : 503, ready ? "ready\n" : "still starting\n");
  }
  if (path == "/metrics") {
    http_reply reply;
    reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply.body = app_.metrics().text();
    co_return reply;
  }
  if (path == "/health") {
    const auto health = co_await app_.current_health();
    co_return json_reply(health.ok ? 200 : 503, json_text(health.body, 2) + "\n");
  }
  co_return text_reply(404, "not found; this version answers /health, /-/healthy, /-/ready and /metrics\n");
}

}  // namespace catwalk::daemon
