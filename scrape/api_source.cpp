#include "scrape/api_source.hpp"

#include <algorithm>
#include <utility>

#include "core/offload.hpp"
#include "core/url.hpp"
#include "scrape/contained.hpp"
#include "scrape/discovery.hpp"
#include "scrape/html_source.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;

page_manners manners_of(const config::api_source& api) {
  page_manners manners;
  manners.headers = api.headers;
  manners.accept = "application/json, text/plain, */*";
  manners.debug = api.debug;
  manners.max_pages = api.pages.max_pages;
  return manners;
}

std::string with_params(std::string address, const config::api_source& api) {
  for (const auto& [name, value] : api.params) address = with_query(address, name, value);
  return address;
}

}  // namespace

namespace {

result<std::vector<std::string>> endpoints_in(const http_response& response,
                                              const config::category_discovery& discovery) {
  return discovered_endpoints(response.body, discovery, response.url);
}

result<std::vector<std::string>> endpoints_in(const http_response& response,
                                              const config::category_discovery_html& discovery) {
  const std::string_view type = response.headers.find("Content-Type").value_or("");
  return discovered_endpoints(response.body, type, discovery, response.url);
}

}  // namespace

api_source::api_source(const source_context& context, api_reader reader, std::optional<html_reader> fallback)
    : context_(context),
      reader_(std::move(reader)),
      run_(context_, manners_of(*context_.site.api), reader_),
      fallback_(std::move(fallback)) {}

result<std::unique_ptr<source>> api_source::make(const source_context& context) {
  const config::site& site = context.site;
  const bool discovers = site.api->discover_categories || site.api->discover_categories_html;
  if (site.api->endpoints.empty() && !discovers) {
    return error{errc::invalid_config, "cannot read the site", site.name, "it has no api.endpoints", ""};
  }
  auto reader = api_reader::compile(site, context.keep_raw_items);
  if (reader.has_error()) return reader.error();
  std::optional<html_reader> fallback;
  if (site.api->fallback_html) {
    auto compiled = html_reader::compile(site, *site.api->fallback_html, "api.fallback_html");
    if (compiled.has_error()) return compiled.error();
    fallback = std::move(*compiled);
  }
  return std::unique_ptr<source>(new api_source(context, std::move(*reader), std::move(fallback)));
}

asio::awaitable<result<std::vector<endpoint_outcome>>> api_source::read(page_sink& sink) {
  return cancellable(read_all(sink), context_.site);
}

asio::awaitable<result<std::vector<endpoint_outcome>>> api_source::read_all(page_sink& sink) {
  const config::api_source& api = *context_.site.api;
  if (auto warmed = co_await run_.requests().prewarm(api.prewarm); warmed.has_error())
    co_return warmed.error();
  std::vector<endpoint_outcome> failed_discoveries;
  const auto endpoints = co_await find_endpoints(failed_discoveries);
  if (endpoints.has_error()) co_return endpoints.error();
  std::vector<endpoint_outcome> outcomes;
  for (const std::string& endpoint : *endpoints) {
    listing next{endpoint, reader_.first_page(with_params(endpoint, api))};
    auto outcome = co_await run_.read(std::move(next), static_cast<int>(outcomes.size()), sink);
    if (outcome.has_error()) co_return outcome.error();
    if (is_in_need(*outcome)) {
      const auto read = co_await read_fallback(*outcome, sink);
      if (read.has_error()) co_return read.error();
    }
    outcomes.push_back(std::move(*outcome));
  }
  std::move(failed_discoveries.begin(), failed_discoveries.end(), std::back_inserter(outcomes));
  co_return outcomes;
}

asio::awaitable<result<std::vector<std::string>>> api_source::find_endpoints(
    std::vector<endpoint_outcome>& outcomes) {
  const config::api_source& api = *context_.site.api;
  std::vector<std::string> endpoints;
  for (const config::located_text& one : api.endpoints) endpoints.push_back(one.text);
  const auto take = [&](const std::string& from, result<std::vector<std::string>> found) {
    if (found.has_error()) {
      endpoint_outcome failed;
      failed.endpoint = from;
      failed.failure = found.error();
      outcomes.push_back(std::move(failed));
      return;
    }
    for (std::string& one : *found) {
      if (std::find(endpoints.begin(), endpoints.end(), one) == endpoints.end())
        endpoints.push_back(std::move(one));
    }
  };
  if (api.discover_categories) {
    page_manners manners = manners_of(api);
    for (const auto& header : api.discover_categories->headers) manners.headers.push_back(header);
    const std::string address = api.discover_categories->endpoint.text;
    auto found = co_await discover(address, *api.discover_categories, std::move(manners));
    if (found.has_error() && found.error().code == errc::cancelled) co_return found.error();
    take(address, std::move(found));
  }
  if (api.discover_categories_html) {
    for (const config::located_text& page : api.discover_categories_html->category_pages) {
      page_manners manners = manners_of(api);
      manners.accept = "text/html,application/xhtml+xml,*/*;q=0.8";
      const std::string address = page.text;
      auto found = co_await discover(address, *api.discover_categories_html, std::move(manners));
      if (found.has_error() && found.error().code == errc::cancelled) co_return found.error();
      take(address, std::move(found));
    }
  }
  // Failed discoveries come after the endpoints in the order of the configuration.
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    outcomes[i].endpoint_index = static_cast<int>(endpoints.size() + i);
  }
  co_return endpoints;
}

template <class Discovery>
asio::awaitable<result<std::vector<std::string>>> api_source::discover(std::string address,
                                                                       const Discovery& discovery,
                                                                       page_manners manners) {
  listing_run asking(context_, std::move(manners), reader_);
  page_address wanted{address, ""};
  auto response = co_await asking.requests().fetch(std::move(wanted));
  if (response.has_error()) co_return response.error();
  if (response->status < 200 || response->status >= 300) {
    error failure{errc::http_status, "cannot discover categories", redacted(address),
                  "the shop answered " + std::to_string(response->status), ""};
    failure.http_status = response->status;
    co_return failure;
  }
  auto work = contained(redacted(address), [&discovery, answer = std::move(*response)] {
    return endpoints_in(answer, discovery);
  });
  co_return co_await offload(context_.cpu, std::move(work));
}

bool api_source::is_in_need(endpoint_outcome& outcome) const {
  if (!fallback_) return false;
  auto& failure = outcome.failure;
  if (!failure && outcome.complete && run_.items_of_last() == std::size_t(0)) {
    failure = error{errc::not_found, "the endpoint gave no items", redacted(outcome.endpoint), "", ""};
    outcome.complete = false;
  }
  return failure.has_value();
}

asio::awaitable<result<void>> api_source::read_fallback(endpoint_outcome& outcome, page_sink& sink) {
  const config::html_source& html = *context_.site.api->fallback_html;
  outcome.complete = false;
  if (std::exchange(fallback_read_, true)) co_return result<void>();
  outcome.failure->hint = "the pages of api.fallback_html were read instead";
  listing_run run(context_, manners_of(html), *fallback_);
  if (auto warmed = co_await run.requests().prewarm(html.prewarm); warmed.has_error())
    co_return warmed.error();
  for (const config::located_text& address : html.category_urls) {
    listing next{outcome.endpoint, {address.text, ""}};
    const auto read = co_await run.read(std::move(next), outcome.endpoint_index, sink);
    if (read.has_error()) co_return read.error();
    if (read->failure) outcome.failure->hint = "api.fallback_html failed too: " + read->failure->to_string();
  }
  co_return result<void>();
}

}  // namespace catwalk::scrape
