#include "daemon/access_policy.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>

#include "daemon/http_error.hpp"
#include "daemon/http_session.hpp"
#include "daemon/token.hpp"

namespace catwalk::daemon {

namespace http = boost::beast::http;
using boost::beast::iequals;

namespace {

std::string_view field(const http_request_head& head, http::field name) {
  const auto value = head[name];
  return {value.data(), value.size()};
}

/// The credentials of `Authorization: Bearer`; nullopt for none or another scheme.
std::optional<std::string_view> bearer(const http_request_head& head) {
  auto value = field(head, http::field::authorization);
  constexpr std::string_view scheme = "bearer ";
  if (value.size() < scheme.size() || !iequals(value.substr(0, scheme.size()), scheme)) return std::nullopt;
  value.remove_prefix(scheme.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

bool changes_nothing(http::verb method) {
  return method == http::verb::get || method == http::verb::head;
}

http_reply unauthorized(std::string_view why) {
  auto reply = problem_reply(401, "unauthorized", why);
  reply.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"catwalk\"");
  return reply;
}

}  // namespace

std::string_view without_port(std::string_view host) {
  const auto bracket = host.rfind(']');
  const auto colon = host.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return host;
  return host.substr(0, colon);
}

bool access_policy::known_host(std::string_view host) const {
  const auto name = without_port(host);
  for (const std::string_view known : {"localhost", "127.0.0.1", "[::1]"})
    if (iequals(name, known)) return true;
  if (iequals(name, without_port(settings_.listen))) return true;
  return std::any_of(settings_.hosts.begin(), settings_.hosts.end(),
                     [&](const std::string& known) { return iequals(name, known) || iequals(host, known); });
}

bool access_policy::known_origin(std::string_view origin, std::string_view host) const {
  const auto scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos) return false;  // "null"
  const auto authority = origin.substr(scheme_end + 3);
  if (iequals(authority, host)) return true;
  // Behind a proxy that rewrites Host, the page's own name has to be configured. Loopback's names are not
  // enough here: another port of this machine is another program's page.
  return std::any_of(settings_.hosts.begin(), settings_.hosts.end(), [&](const std::string& known) {
    return iequals(authority, known) || iequals(without_port(authority), known);
  });
}

std::optional<http_reply> access_policy::refusal(const http_request_head& head, const http_peer& peer,
                                                 need what, wall_time now) const {
  if (peer.local_socket) return std::nullopt;
  const auto host = field(head, http::field::host);
  if (!known_host(host)) return problem_reply(421, "unknown_host", "unknown host: name it in http.hosts");
  if (what == need::nothing) return std::nullopt;

  const auto origin = field(head, http::field::origin);
  if (!origin.empty() && !known_origin(origin, host))
    return problem_reply(403, "unknown_origin",
                         "a page of another origin may not ask this: name its host in http.hosts");
  if (const auto given = bearer(head)) {
    if (is_token(*given)) return std::nullopt;
    return unauthorized("wrong token; `catwalk status --token` prints the right one");
  }
  const auto session = cookie_value(field(head, http::field::cookie), session_cookie);
  if (session.empty())
    return unauthorized(
        "this asks for the token, as Authorization: Bearer; `catwalk status --token` prints it");
  if (!session_holds(settings_.token, session, now))
    return unauthorized("the session has ended: log in again");
  if (!changes_nothing(head.method()) && origin.empty())
    return problem_reply(403, "unknown_origin", "a session's cookie changes nothing without an Origin");
  return std::nullopt;
}

bool access_policy::is_token(std::string_view text) const {
  return !settings_.token.empty() && same_secret(text, settings_.token);
}

std::string access_policy::session(wall_time ends) const {
  return make_session(settings_.token, ends);
}

}  // namespace catwalk::daemon
