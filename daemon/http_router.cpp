#include "daemon/http_router.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "core/url.hpp"
#include "daemon/http_error.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

std::string_view target_of(const http_request_head& head) {
  const auto target = head.target();
  return {target.data(), target.size()};
}

/// Cuts the first segment off: "/a/b" -> "a", leaving "/b".
std::string_view cut_segment(std::string_view& path) {
  if (!path.empty()) path.remove_prefix(1);
  const auto end = std::min(path.find('/'), path.size());
  const auto segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

bool matches(std::string_view pattern, std::string_view path, path_values* values) {
  path_values found;
  while (!pattern.empty() && !path.empty()) {
    const auto wanted = cut_segment(pattern), given = cut_segment(path);
    if (wanted.starts_with('{') && wanted.ends_with('}')) {
      if (given.empty()) return false;
      found.emplace(wanted.substr(1, wanted.size() - 2), percent_decode(given));
    } else if (wanted != given) {
      return false;
    }
  }
  if (!pattern.empty() || !path.empty()) return false;
  if (values) *values = std::move(found);
  return true;
}

/// Whether a route without values has this very path: then it is no value of another's {name}.
bool is_named(const std::vector<http_route>& routes, std::string_view path) {
  return path.find('{') == std::string_view::npos &&
         std::any_of(routes.begin(), routes.end(),
                     [&](const http_route& route) { return route.path == path; });
}

bool takes(const http_route& route, http::verb method) {
  return route.method == method || (route.method == http::verb::get && method == http::verb::head);
}

}  // namespace

std::string_view path_of(const http_request_head& head) {
  const auto target = target_of(head);
  return target.substr(0, target.find('?'));
}

std::optional<std::string> query_value(const http_request_head& head, std::string_view name) {
  const auto target = target_of(head);
  const auto end = target.end();
  for (auto at = std::find(target.begin(), end, '?'); at != end;) {
    const auto begin = ++at;
    at = std::find(begin, end, '&');
    const auto equals = std::find(begin, at, '=');
    if (std::string_view(begin, equals) != name) continue;
    std::string value(equals == at ? at : equals + 1, at);
    std::replace(value.begin(), value.end(), '+', ' ');
    return percent_decode(value);
  }
  return std::nullopt;
}

const http_route* http_router::find(const http_request_head& head, path_values* values) const {
  const auto path = path_of(head);
  const bool named = is_named(routes_, path);
  const auto found = std::find_if(routes_.begin(), routes_.end(), [&](const http_route& route) {
    return takes(route, head.method()) && (named ? route.path == path : matches(route.path, path, values));
  });
  return found == routes_.end() ? nullptr : &*found;
}

/// 405 where the path takes other methods, else 404.
http_reply http_router::not_found(std::string_view path) const {
  std::string allowed;
  const bool named = is_named(routes_, path);
  for (const auto& route : routes_) {
    if (named ? route.path != path : !matches(route.path, path, nullptr)) continue;
    const auto name = http::to_string(route.method);
    allowed += (allowed.empty() ? "" : ", ") + std::string(name.data(), name.size());
    if (route.method == http::verb::get) allowed += ", HEAD";
  }
  if (allowed.empty()) return problem_reply(404, "not_found", "there is nothing at this path");
  auto reply = problem_reply(405, "invalid_argument", "this takes " + allowed + " alone");
  reply.headers.emplace_back("Allow", std::move(allowed));
  return reply;
}

http_admission http_router::admit(const http_request_head& head, const http_peer& peer) const {
  const auto* route = find(head, nullptr);
  const auto now = wall_now();
  if (!route) {
    // Also here the host must be known: a stranger's page learns nothing.
    auto refused = policy_.refusal(head, peer, access_policy::need::nothing, now);
    return {0, refused ? std::move(refused) : not_found(path_of(head))};
  }
  auto refused = policy_.refusal(head, peer, route->access, now);
  const bool host_known = !policy_.refusal(head, peer, access_policy::need::nothing, now);
  if (refused && route->without_token && host_known) refused = route->without_token(head, peer);
  return {route->max_body, std::move(refused)};
}

asio::awaitable<http_reply> http_router::answer(const http_server_request& request) const {
  path_values values;
  const auto* route = find(request, &values);
  if (!route) co_return not_found(path_of(request));
  co_return co_await route->answer(request, values);
}

}  // namespace catwalk::daemon
