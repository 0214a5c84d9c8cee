#include "scrape/site_requests.hpp"

#include <spdlog/spdlog.h>

#include <boost/system/system_error.hpp>
#include <utility>

#include "scrape/page_renderer.hpp"

namespace catwalk::scrape {

namespace asio = boost::asio;

namespace {

bool is_refusal(const result<http_response>& response) {
  return response.has_error() && (response.error().http_status == 401 || response.error().http_status == 403);
}

}  // namespace

fetch_request site_requests::make(const page_address& address, const page_validators* known) const {
  const config::site& site = context_.site;
  fetch_request request;
  request.site = site.name;
  request.respect_robots = site.respect_robots.value_or(context_.fetch.robots);
  if (site.delay_ms) request.delay = std::chrono::milliseconds(*site.delay_ms);
  request.http.url = address.url;
  request.http.timeout = context_.fetch.pages.timeout;
  request.http.max_bytes = context_.fetch.pages.max_bytes;
  request.http.proxy = site.proxy;
  request.http.cookies = context_.cookies;
  for (const auto& [name, value] : manners_.headers) request.http.headers.set(name, value);
  request.http.headers.set_default("User-Agent", context_.fetch.user_agent);
  request.http.headers.set_default("Accept", manners_.accept);
  request.http.headers.set_default("Accept-Language", "en-US,en;q=0.9");
  if (!address.body.empty()) {
    request.http.method = "POST";
    request.http.body = address.body;
    const bool json = address.body.front() == '{' || address.body.front() == '[';
    request.http.headers.set_default("Content-Type",
                                     json ? "application/json" : "application/x-www-form-urlencoded");
  }
  if (known && !known->etag.empty()) request.http.headers.set("If-None-Match", known->etag);
  if (known && !known->last_modified.empty())
    request.http.headers.set("If-Modified-Since", known->last_modified);
  return request;
}

fetch_request site_requests::make_page(const page_address& address, const page_validators* known,
                                       const std::string& wait_for) const {
  const bool rendered = (manners_.use_browser || plain_refused_) && context_.browser != nullptr;
  fetch_request request = make(address, rendered ? nullptr : known);
  if (rendered) {
    request.renderer = context_.browser;
    request.wait_for = wait_for;
  }
  return request;
}

bool site_requests::may_render_refused() const {
  return manners_.browser_if_refused && !plain_refused_ && context_.browser != nullptr &&
         !context_.browser->unavailable();
}

asio::awaitable<result<http_response>> site_requests::fetch_page(page_address address,
                                                                 const page_validators* known,
                                                                 std::string wait_for) {
  fetch_request request = make_page(address, known, wait_for);
  const bool plain = request.renderer == nullptr;
  auto response = co_await context_.pages.fetch(std::move(request));
  if (!plain || !is_refusal(response) || !may_render_refused()) co_return response;
  plain_refused_ = true;
  fetch_request anew = make_page(address, nullptr, wait_for);
  auto rendered = co_await context_.pages.fetch(std::move(anew));
  if (rendered.has_value()) {
    spdlog::info("{}: it refuses plain requests: its pages are read in the browser", context_.site.name);
    co_return rendered;
  }
  plain_refused_ = false;
  if (rendered.error().code == errc::cancelled) co_return rendered;
  co_return response;
}

bool site_requests::lacks_browser() const {
  return manners_.use_browser && (context_.browser == nullptr || context_.browser->unavailable());
}

asio::awaitable<result<http_response>> site_requests::fetch(page_address address) const {
  fetch_request request = make(address);
  co_return co_await context_.pages.fetch(std::move(request));
}

asio::awaitable<result<http_response>> site_requests::fetch_into(page_address address,
                                                                 const page_validators* known,
                                                                 spool& to) const {
  fetch_request request = make(address, known);
  request.restart = [&to] { to.clear(); };
  request.http.on_body = [&to](std::string_view piece) { return to.append(piece); };
  co_return co_await context_.pages.fetch(std::move(request));
}

asio::awaitable<result<void>> site_requests::prewarm(
    const std::vector<config::located_text>& addresses) const {
  for (const config::located_text& address : addresses) {
    const page_address visited{address.text, ""};
    fetch_request request = make_page(visited, nullptr, "");
    auto response = co_await context_.pages.fetch(std::move(request));
    if (response.has_value()) continue;
    if (response.error().code == errc::cancelled) co_return response.error();
    // The cookies may not be needed: the listings decide.
    spdlog::warn("{}: prewarm failed: {}", context_.site.name, response.error().to_string());
    if (response.error().code == errc::network || response.error().code == errc::timeout) break;
  }
  co_return result<void>();
}

const page_validators* validators_of(const std::optional<known_page>& known) {
  return known ? &known->validators : nullptr;
}

std::string header_text(const http_response& response, std::string_view name) {
  return std::string(response.headers.find(name).value_or(""));
}

asio::awaitable<result<std::vector<endpoint_outcome>>> cancellable(
    asio::awaitable<result<std::vector<endpoint_outcome>>> reading, const config::site& site) {
  try {
    co_return co_await std::move(reading);
  } catch (const boost::system::system_error& stopped) {
    if (stopped.code() != asio::error::operation_aborted) throw;
    co_return error{errc::cancelled, "stopped reading the site", site.name, "", ""};
  }
}

}  // namespace catwalk::scrape
