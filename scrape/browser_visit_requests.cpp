// The visit's answers to what the page asks for, and what it is answered.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "core/url.hpp"
#include "scrape/browser_answer_rule.hpp"
#include "scrape/browser_visit.hpp"
#include "scrape/devtools_value.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr auto host_verdict_lasts = std::chrono::minutes(1);
constexpr const char* empty_gif = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

/// The browser's own business.
bool set_by_browser(const std::string& header) {
  constexpr std::array names{"user-agent", "accept-language",   "accept-encoding", "host",   "connection",
                             "te",         "transfer-encoding", "content-length",  "upgrade"};
  return std::find(names.begin(), names.end(), header) != names.end();
}

/// Of the document as it came, not of the DOM that is taken.
bool describes_the_body(const std::string& header) {
  constexpr std::array names{"etag",           "last-modified", "content-encoding",
                             "content-length", "content-type",  "transfer-encoding"};
  return std::find(names.begin(), names.end(), header) != names.end();
}

}  // namespace

void browser_visit::on_request_paused(const json& params) {
  const std::string request = text_at(params, "requestId");
  const auto details = params.find("request");
  if (details == params.end() || !details->is_object()) {
    send("Fetch.failRequest", {{"requestId", request}, {"errorReason", "Failed"}});
    return;
  }
  const browser_request asked{text_at(*details, "url"), text_at(params, "resourceType"),
                              text_at(params, "frameId") == frame_, params.contains("redirectedRequestId")};
  if (asked.kind == "Document" && asked.of_main_frame) {
    const auto to = parse_url(asked.url);
    asked_ = to.has_value() ? host_and_port(*to) : "";
  }
  static const json none = json::object();
  const auto headers = details->find("headers");
  settle(request, asked, rule_.judge(asked), headers == details->end() ? none : *headers);
}

void browser_visit::settle(const std::string& request, const browser_request& asked,
                           const browser_request_rule::decision& decision, const json& headers) {
  using verdict = browser_request_rule::verdict;
  switch (decision.what) {
    case verdict::permit: {
      json go = {{"requestId", request}};
      if (json changed = headers_for(asked, headers); !changed.is_null()) go["headers"] = std::move(changed);
      send("Fetch.continueRequest", std::move(go));
      return;
    }
    case verdict::empty_picture: {
      json gif = {{"requestId", request}, {"responseCode", 200}, {"body", empty_gif}};
      gif["responseHeaders"] = json::array({{{"name", "Content-Type"}, {"value", "image/gif"}},
                                            {{"name", "Access-Control-Allow-Origin"}, {"value", "*"}}});
      send("Fetch.fulfillRequest", std::move(gif));
      return;
    }
    case verdict::block:
      send("Fetch.failRequest", {{"requestId", request}, {"errorReason", "BlockedByClient"}});
      return;
    case verdict::refuse:
      refuse(request, asked, decision.code, decision.why);
      return;
    case verdict::resolve:
      resolve(request, asked, decision, headers);
      return;
  }
}

void browser_visit::resolve(const std::string& request, const browser_request& asked,
                            const browser_request_rule::decision& decision, const json& headers) {
  const auto go_on = [request, asked, headers](browser_visit& self, const std::string& refusal) {
    if (refusal.empty()) {
      self.settle(request, asked, {}, headers);
    } else {
      self.refuse(request, asked, errc::refused_address, refusal);
    }
  };
  std::string key = decision.host + ":" + std::to_string(decision.port);
  const auto known = around_.hosts.find(key);
  if (known != around_.hosts.end() && steady_now() - known->second.at < host_verdict_lasts) {
    go_on(*this, known->second.refusal);
    return;
  }
  resolver_.async_resolve(
      decision.host, std::to_string(decision.port),
      [weak = weak_from_this(), go_on, key = std::move(key)](
          boost::system::error_code failed, const asio::ip::tcp::resolver::results_type& found) {
        const auto self = weak.lock();
        if (!self || self->done_) return;
        if (failed) {
          go_on(*self, "its name has no address: " + failed.message());
          return;
        }
        std::string refusal;
        for (const auto& one : found) {
          if (auto why = self->around_.guard->check(one.endpoint().address(), one.endpoint().port()))
            refusal = one.endpoint().address().to_string() + " is " + *why;
        }
        self->around_.hosts[key] = {refusal, steady_now()};
        go_on(*self, refusal);
      });
}

void browser_visit::refuse(const std::string& request, const browser_request& asked, errc code,
                           const std::string& why) {
  send("Fetch.failRequest", {{"requestId", request}, {"errorReason", "AccessDenied"}});
  if (asked.kind == "Document") {
    fail(code, redacted(asked.url) + ": " + why);
    return;
  }
  if (around_.refusals_told.insert(host_key(asked.url)).second) {
    spdlog::warn("{}: the scripts of {} ask for {}: refused, {}", around_.site, shown_, redacted(asked.url),
                 why);
  }
}

json browser_visit::headers_for(const browser_request& asked, const json& headers) const {
  if (host_key(asked.url) != host_) return nullptr;
  json list = json::array();
  std::set<std::string> present;
  for (const auto& [name, value] : headers.items()) {
    if (!value.is_string()) continue;
    list.push_back({{"name", name}, {"value", value}});
    present.insert(lower_ascii(name));
  }
  bool changed = false;
  const bool page = asked.kind == "Document";
  for (const auto& [name, value] : page_.headers.entries()) {
    const std::string key = lower_ascii(name);
    if (set_by_browser(key) || (present.count(key) > 0 && !page)) continue;
    for (auto it = list.begin(); it != list.end();)
      it = lower_ascii(text_at(*it, "name")) == key ? list.erase(it) : std::next(it);
    list.push_back({{"name", name}, {"value", value}});
    changed = true;
  }
  return changed ? list : json(nullptr);
}

void browser_visit::on_response(const json& params) {
  const auto response = params.find("response");
  if (response == params.end() || !response->is_object()) return;
  const std::string address = text_at(*response, "remoteIPAddress");
  if (around_.guarded) {
    const auto asked = parse_url(text_at(*response, "url"));
    const browser_answer from{address, static_cast<std::uint16_t>(number_at(*response, "remotePort")),
                              flag_at(*response, "fromDiskCache"),
                              asked.has_value() && around_.by_proxy(*asked)};
    if (auto why = refusal_of(from, *around_.guard, around_.guard_proxy)) fail(errc::refused_address, *why);
  }
  if (text_at(params, "type") != "Document" || text_at(params, "frameId") != frame_) return;
  document_ = {};
  document_.status = static_cast<int>(number_at(*response, "status"));
  document_.url = text_at(*response, "url");
  document_.remote_address = address;
  if (const auto headers = response->find("headers"); headers != response->end()) {
    for (const auto& [name, value] : headers->items())
      if (value.is_string() && !describes_the_body(lower_ascii(name))) document_.headers.add(name, value);
  }
  if (document_.headers.find("Proxy-Status") == "catwalk") {
    if (const auto failed = guard_failure()) fail(failed->code, failed->to_string());
  }
  plan_.answered(document_.status);
}

/// What the guard proxy said of the host that the page itself was last asked from.
std::optional<error> browser_visit::guard_failure() const {
  const auto found = around_.guard_failures.find(asked_);
  return found == around_.guard_failures.end() ? std::nullopt : std::optional(found->second);
}

void browser_visit::on_auth(const json& params) {
  json answer = {{"response", "CancelAuth"}};
  const auto challenge = params.find("authChallenge");
  if (challenge != params.end() && text_at(*challenge, "source") == "Proxy") {
    answer = {{"response", "ProvideCredentials"},
              {"username", around_.proxy_user},
              {"password", around_.proxy_password}};
  }
  send("Fetch.continueWithAuth",
       {{"requestId", text_at(params, "requestId")}, {"authChallengeResponse", std::move(answer)}});
}

}  // namespace catwalk::scrape
