#include "core/redirect_rule.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "config/letter_case.hpp"

namespace catwalk {
namespace {

// What may go to a host that the caller did not name: it says what is asked for and by which program, never
// by whom.
constexpr std::array harmless_headers{"Accept",
                                      "Accept-Encoding",
                                      "Accept-Language",
                                      "Cache-Control",
                                      "Content-Encoding",
                                      "Content-Type",
                                      "DNT",
                                      "If-Modified-Since",
                                      "If-None-Match",
                                      "Pragma",
                                      "Range",
                                      "Sec-Fetch-Dest",
                                      "Sec-Fetch-Mode",
                                      "Sec-Fetch-Site",
                                      "Sec-Fetch-User",
                                      "Sec-CH-UA",
                                      "Sec-CH-UA-Mobile",
                                      "Sec-CH-UA-Platform",
                                      "Upgrade-Insecure-Requests",
                                      "User-Agent",
                                      "X-Requested-With"};

// Whether credentials for `from` may go to `to`: the same scheme, host and port, or the step from http to
// https.
bool same_trust(const url& from, const url& to) {
  if (from.host != to.host) return false;
  if (from.scheme == to.scheme) return from.port == to.port;
  return from.scheme == "http" && from.port == 80 && to.scheme == "https" && to.port == 443;
}

http_headers without_credentials(const http_headers& headers) {
  http_headers kept;
  for (const auto& header : headers.entries())
    if (std::any_of(harmless_headers.begin(), harmless_headers.end(),
                    [&](const char* known) { return config::equal_but_for_case(header.first, known); }))
      kept.add(header.first, header.second);
  return kept;
}

}  // namespace

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

void apply_redirect(http_request& request, int status, const url& from, const url& to) {
  if ((status == 303 && request.method != "HEAD") || (status <= 302 && request.method == "POST")) {
    request.method = "GET";
    request.body.clear();
    for (const auto* name : {"Content-Type", "Content-Encoding", "Content-Length"})
      request.headers.remove(name);
  }
  if (!same_trust(from, to)) request.headers = without_credentials(request.headers);
}

}  // namespace catwalk
