#include "daemon/embed_endpoints.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "core/offload.hpp"
#include "daemon/http_error.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

std::string numbers_json(const std::vector<float>& values) {
  std::string text = "[";
  char digits[32];
  for (const float value : values) {
    const auto [end, ec] = std::to_chars(digits, digits + sizeof digits, value);
    text.append(digits, ec == std::errc() ? end : digits);
    text += ',';
  }
  if (values.empty()) text += ',';
  text.back() = ']';
  return text;
}

std::string embedding_json(const embedding& vector) {
  std::string text = "{\"embedding\":" + numbers_json(vector.values) +
                     ",\"model\":" + json_text(nlohmann::json(vector.model)) +
                     ",\"fingerprint\":" + json_text(nlohmann::json(vector.fingerprint));
  if (vector.made.untrained) text += ",\"untrained\":true";
  return text + "}\n";
}

std::size_t most_picture_body(const config::settings& settings) {
  return settings.fetch.images.max_bytes / 3 * 4 + 64 * 1024;
}

embed_endpoints::embed_endpoints(application& app, const access_policy& policy, query_embedder& embedder)
    : app_(app), policy_(policy), embedder_(embedder), rate_(client_rate::limits()) {}

void embed_endpoints::add_to(http_router& router) {
  http_route route;
  route.method = http::verb::post;
  route.path = "/embed";
  route.max_body = most_picture_body(app_.settings());
  route.answer = [this](const http_server_request& request, const path_values&) { return answer(request); };
  if (app_.settings().http.embed_public)
    route.without_token = [this](const http_request_head& head, const http_peer& peer) {
      return admit_public(head, peer);
    };
  router.add(std::move(route));
}

std::optional<http_reply> embed_endpoints::admit_public(const http_request_head& head,
                                                        const http_peer& peer) {
  const auto forwarded = head["X-Forwarded-For"];
  const auto client = client_of(peer.address, {forwarded.data(), forwarded.size()});
  const auto wait = rate_.wait(client, steady_now());
  if (!wait) return std::nullopt;
  auto reply =
      error_reply({errc::queue_full, "too many requests from one client", "", "", "ask more slowly"});
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
  for (auto& [name, value] : reply.headers)
    if (name == "Retry-After") value = std::to_string(seconds);
  return reply;
}

asio::awaitable<http_reply> embed_endpoints::answer(const http_server_request& request) {
  const bool trusted =
      !policy_.refusal(request, request.peer, access_policy::need::token, wall_now()).has_value();
  // The request outlives this: it is the server's until the answer is sent.
  auto read = [&request] {
    const auto type = request[http::field::content_type];
    return read_picture_query({type.data(), type.size()}, request.body());
  };
  auto query = co_await offload(app_.cpu(), std::move(read));
  if (!query) co_return error_reply(query.error());
  auto vector = co_await embedder_.embed(std::move(*query), trusted);
  if (!vector) co_return error_reply(vector.error());
  co_return json_reply(200, embedding_json(*vector));
}

}  // namespace catwalk::daemon
