#include "daemon/concealment.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "config/letter_case.hpp"
#include "core/log.hpp"
#include "core/url.hpp"

namespace catwalk::daemon {
namespace {

/// The password of `scheme://user:password@host`, as it is written and decoded.
void conceal_password(std::string_view address) {
  const auto begin = address.find("//");
  if (begin == std::string_view::npos) return;
  const auto authority = address.substr(begin + 2, address.find_first_of("/?#", begin + 2) - begin - 2);
  const auto at = authority.rfind('@');
  if (at == std::string_view::npos) return;
  const auto colon = authority.find(':');
  const auto password = colon < at ? authority.substr(colon + 1, at - colon - 1) : authority.substr(0, at);
  conceal_in_logs(std::string(password));
  conceal_in_logs(percent_decode(password));
}

void conceal_parameters(std::string_view address) {
  const auto query = address.find('?');
  if (query == std::string_view::npos) return;
  auto rest = address.substr(query + 1);
  while (!rest.empty()) {
    const auto one = rest.substr(0, rest.find('&'));
    const auto equals = one.find('=');
    if (equals != std::string_view::npos && redacted("?" + std::string(one)) != "?" + std::string(one))
      conceal_in_logs(std::string(one.substr(equals + 1)));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
  }
}

void conceal_address(std::string_view address) {
  conceal_password(address);
  conceal_parameters(address);
}

/// A header that says who asks: `Bearer VALUE` is concealed with and without its scheme.
void conceal_header(std::string_view value) {
  conceal_in_logs(std::string(value));
  if (const auto space = value.find(' '); space != std::string_view::npos)
    conceal_in_logs(std::string(value.substr(space + 1)));
}

bool logs_in(std::string_view header) {
  const auto name = config::lower_case(header);
  for (const char* part : {"authorization", "cookie", "token", "key", "secret"})
    if (name.find(part) != std::string::npos) return true;
  return false;
}

template <class Source>
void conceal_headers(const std::optional<Source>& source) {
  if (!source) return;
  for (const auto& [name, value] : source->headers)
    if (logs_in(name)) conceal_header(value);
}

void conceal_site(const config::site& site) {
  conceal_headers(site.api);
  conceal_headers(site.html);
  conceal_headers(site.shopify);
  conceal_headers(site.sitemap);
  conceal_headers(site.feed);
  conceal_address(site.proxy);
  conceal_address(site.proxy_images);
}

}  // namespace

void conceal_secrets(const config::loaded& configuration) {
  const auto& s = configuration.values;
  for (const auto* secret :
       {&s.sink.key, &s.http.token, &s.embed.remote.token, &s.embed.hub.token, &s.notify.signing_secret})
    conceal_in_logs(secret->reveal());
  for (const auto& [name, value] : s.sink.headers) conceal_header(value);
  conceal_address(s.sink.url.reveal());
  conceal_address(s.embed.remote.url);
  conceal_address(s.embed.hub.url);
  conceal_address(s.notify.url);
  conceal_address(s.fetch.http_proxy);
  conceal_address(s.fetch.https_proxy);
  for (const auto& job : s.schedule.jobs) conceal_address(job.ping_url);
  for (const auto& site : configuration.sites) conceal_site(site);
}

}  // namespace catwalk::daemon
