#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/verb.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/access_policy.hpp"
#include "daemon/http_server.hpp"

namespace catwalk::daemon {

/// What stood in the place of `{name}` in a route's path, percent-decoded.
using path_values = std::map<std::string, std::string, std::less<>>;

/// One thing that can be asked for.
struct http_route {
  boost::beast::http::verb method = boost::beast::http::verb::get;  ///< `get` answers HEAD too
  std::string path;                                                 ///< "/api/v1/runs/{id}"
  access_policy::need access = access_policy::need::token;
  std::size_t max_body = 0;  ///< bytes
  std::function<boost::asio::awaitable<http_reply>(const http_server_request&, const path_values&)> answer;
  /// Where the token is missing: lets the request in all the same (nullopt) or answers. Unset: nobody.
  std::function<std::optional<http_reply>(const http_request_head&, const http_peer&)> without_token;
};

/// The table of everything that the daemon answers: finds the route of a request, checks on the headers alone
/// whether it may be asked, and has it answered. Loop-only.
class http_router {
 public:
  explicit http_router(const access_policy& policy) : policy_(policy) {}
  void add(http_route route) { routes_.push_back(std::move(route)); }

  /// For http_server_options::admit: 404, 405 with `Allow`, and the policy's refusals.
  http_admission admit(const http_request_head& head, const http_peer& peer) const;
  /// Answers a request that was admitted.
  boost::asio::awaitable<http_reply> answer(const http_server_request& request) const;

  const std::vector<http_route>& routes() const noexcept { return routes_; }

 private:
  const http_route* find(const http_request_head& head, path_values* values) const;
  http_reply not_found(std::string_view path) const;

  const access_policy& policy_;
  std::vector<http_route> routes_;
};

/// The target without its query, and the query's value for `name` (percent-decoded, "+" as a blank).
std::string_view path_of(const http_request_head& head);
std::optional<std::string> query_value(const http_request_head& head, std::string_view name);

}  // namespace catwalk::daemon
