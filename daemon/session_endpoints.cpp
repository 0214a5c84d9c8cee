#include "daemon/session_endpoints.hpp"

#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "daemon/http_error.hpp"
#include "daemon/http_session.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

http_reply with_cookie(std::string value, std::chrono::seconds life) {
  http_reply reply;
  reply.status = 204;
  reply.content_type.clear();
  reply.headers.emplace_back("Set-Cookie", std::string(session_cookie) + "=" + std::move(value) +
                                               "; Max-Age=" + std::to_string(life.count()) +
                                               "; Path=/; HttpOnly; SameSite=Strict");
  reply.headers.emplace_back("Cache-Control", "no-store");
  return reply;
}

}  // namespace

void add_session_routes(http_router& router, const access_policy& policy) {
  const auto post = [&](std::string path, auto answer) {
    // Open: who logs in has no session yet. The answer itself asks for the token.
    router.add(
        {http::verb::post, std::move(path), access_policy::need::nothing, 4096, std::move(answer), {}});
  };
  post("/api/v1/login",
       [&policy](const http_server_request& request, const path_values&) -> asio::awaitable<http_reply> {
         const auto body = nlohmann::json::parse(request.body(), nullptr, false);
         const bool has_token =
             body.is_object() && body.size() == 1 && body.contains("token") && body["token"].is_string();
         if (!has_token) co_return problem_reply(400, "invalid_argument", R"(send {"token": "…"})");
         if (!policy.is_token(body["token"].get<std::string>()))
           co_return problem_reply(401, "unauthorized",
                                   "wrong token; `catwalk status --token` prints the right one");
         co_return with_cookie(policy.session(wall_now() + session_life), session_life);
       });
  const auto answer_token = [&policy](const http_server_request& request,
                                      const path_values&) -> asio::awaitable<http_reply> {
    if (!request.peer.local_socket) co_return text_reply(404, "not found\n");
    auto reply = text_reply(200, policy.token() + "\n");
    reply.headers.emplace_back("Cache-Control", "no-store");
    co_return reply;
  };
  router.add({http::verb::get, "/-/token", access_policy::need::token, 0, answer_token, {}});
  post("/api/v1/logout", [](const http_server_request&, const path_values&) -> asio::awaitable<http_reply> {
    co_return with_cookie("", std::chrono::seconds(0));
  });
}

}  // namespace catwalk::daemon
