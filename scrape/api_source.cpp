#include "scrape/api_source.hpp"

#include <spdlog/spdlog.h>

#include <boost/system/system_error.hpp>
#include <set>
#include <utility>

#include "core/offload.hpp"
#include "core/url.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;

/// A shop whose paging never ends is not followed for ever.
constexpr int max_pages = 1000;
/// So many endpoints in a row that are refused mean that the shop has banned this address; that cannot be
/// reached, that it is away.
constexpr int max_failures_in_a_row = 3;

std::string header(const http_response& response, std::string_view name) {
  return std::string(response.headers.find(name).value_or(""));
}

error unexpected_status(const http_response& response) {
  error failure{errc::http_status, "cannot read the endpoint", redacted(response.url),
                "the shop answered " + std::to_string(response.status), ""};
  failure.http_status = response.status;
  return failure;
}

bool is_unreachable(const error& failure) {
  return failure.code == errc::network || failure.code == errc::timeout;
}

error cancelled(const config::site& site) {
  return error{errc::cancelled, "stopped reading the site", site.name, "", ""};
}

}  // namespace

/// How far one endpoint has been read.
struct api_source::endpoint_reading {
  endpoint_outcome outcome;
  std::string url;  ///< of the page to read next
  int page = 1;
  bool more = true;
  bool from_memory = false;   ///< a 304: what the page lists is known from an earlier run alone
  std::set<std::string> ids;  ///< of every item so far
};

result<std::unique_ptr<source>> api_source::make(source_context context) {
  const config::site& site = context.site;
  const auto unsupported = [&](const char* key) {
    return error{errc::invalid_config, "cannot read the site", site.name,
                 std::string("`") + key + "` is not supported yet by this version of catwalk",
                 "list the addresses under api.endpoints"};
  };
  if (site.api->discover_categories) return unsupported("api.discover_categories");
  if (site.api->discover_categories_html) return unsupported("api.discover_categories_html");
  if (site.api->endpoints.empty()) {
    return error{errc::invalid_config, "cannot read the site", site.name, "it has no api.endpoints", ""};
  }
  auto reader = api_reader::compile(site);
  if (reader.has_error()) return reader.error();
  return std::unique_ptr<source>(new api_source(context, std::move(*reader)));
}

asio::awaitable<result<std::vector<endpoint_outcome>>> api_source::read(page_sink& sink) {
  try {
    co_return co_await read_all(sink);
  } catch (const boost::system::system_error& stopped) {
    if (stopped.code() != asio::error::operation_aborted) throw;
    co_return cancelled(context_.site);
  }
}

asio::awaitable<result<std::vector<endpoint_outcome>>> api_source::read_all(page_sink& sink) {
  if (auto warmed = co_await prewarm(); warmed.has_error()) co_return warmed.error();
  std::vector<endpoint_outcome> outcomes;
  int blocked_in_a_row = 0;
  int unreachable_in_a_row = 0;
  for (std::size_t index = 0; index < context_.site.api->endpoints.size(); ++index) {
    auto outcome = co_await read_endpoint(index, sink);
    if (outcome.has_error()) co_return outcome.error();
    const bool blocked = outcome->failure && outcome->failure->code == errc::blocked;
    blocked_in_a_row = blocked ? blocked_in_a_row + 1 : 0;
    const bool unreachable = outcome->failure && is_unreachable(*outcome->failure);
    unreachable_in_a_row = unreachable ? unreachable_in_a_row + 1 : 0;
    if (blocked_in_a_row == max_failures_in_a_row) {
      error banned = *outcome->failure;
      banned.what = "the shop refuses catwalk: " + std::to_string(blocked_in_a_row) + " endpoints in a row";
      co_return banned;
    }
    if (unreachable_in_a_row == max_failures_in_a_row) {
      error away = *outcome->failure;
      away.what =
          "the shop cannot be reached: " + std::to_string(unreachable_in_a_row) + " endpoints in a row";
      co_return away;
    }
    outcomes.push_back(std::move(*outcome));
  }
  co_return outcomes;
}

asio::awaitable<result<void>> api_source::prewarm() {
  for (const config::located_text& address : context_.site.api->prewarm) {
    fetch_request request = request_for(address.text);
    auto response = co_await context_.pages.fetch(std::move(request));
    if (response.has_value()) continue;
    if (response.error().code == errc::cancelled) co_return response.error();
    // The cookies may not be needed: the endpoints decide.
    spdlog::warn("{}: prewarm failed: {}", context_.site.name, response.error().to_string());
    if (is_unreachable(response.error())) break;
  }
  co_return result<void>();
}

asio::awaitable<result<endpoint_outcome>> api_source::read_endpoint(std::size_t index, page_sink& sink) {
  endpoint_reading reading;
  reading.outcome.endpoint = context_.site.api->endpoints[index].text;
  reading.outcome.endpoint_index = static_cast<int>(index);
  reading.url = first_address(reading.outcome.endpoint);
  while (reading.more) {
    if (sink.limit_reached()) co_return reading.outcome;
    if (reading.page > max_pages) {
      reading.outcome.failure =
          error{errc::too_large, "stopped reading the endpoint", reading.outcome.endpoint,
                "it has more than " + std::to_string(max_pages) + " pages", ""};
      break;
    }
    const auto read = co_await read_page(reading, sink);
    if (read.has_error()) co_return read.error();
  }
  auto& failure = reading.outcome.failure;
  if (context_.site.api->fallback_html) {
    if (!failure && reading.outcome.complete && reading.ids.empty() && !reading.from_memory) {
      failure = error{errc::not_found, "the endpoint gave no items", reading.outcome.endpoint, "", ""};
      reading.outcome.complete = false;
    }
    if (failure) failure->hint = "api.fallback_html is not supported yet by this version and was not tried";
  }
  if (sink.limit_reached()) reading.outcome.complete = false;
  co_return std::move(reading.outcome);
}

asio::awaitable<result<void>> api_source::read_page(endpoint_reading& reading, page_sink& sink) {
  const std::string& endpoint = reading.outcome.endpoint;
  reading.more = false;
  const auto known = co_await sink.known(endpoint, reading.url);
  fetch_request request = request_for(reading.url);
  if (known && !known->etag.empty()) request.http.headers.set("If-None-Match", known->etag);
  if (known && !known->last_modified.empty())
    request.http.headers.set("If-Modified-Since", known->last_modified);
  auto response = co_await context_.pages.fetch(std::move(request));
  if (response.has_error()) {
    if (response.error().code == errc::cancelled) co_return response.error();
    reading.outcome.failure = response.error();
    co_return result<void>();
  }

  page read;
  read.endpoint = endpoint;
  read.endpoint_index = reading.outcome.endpoint_index;
  read.url = reading.url;
  if (response->status == 304 && known) {
    // Only last pages have validators to ask with, so nothing follows.
    read.unchanged = true;
    read.validators = *known;
    reading.from_memory = true;
    reading.outcome.complete = true;
    co_return co_await sink.accept(std::move(read));
  }
  if (response->status < 200 || response->status >= 300) {
    reading.outcome.failure = unexpected_status(*response);
    co_return result<void>();
  }

  auto work = [reader = &reader_, body = std::move(response->body), endpoint,
               index = reading.outcome.endpoint_index,
               url = reading.url] { return reader->read(body, endpoint, index, url); };
  auto answer = co_await offload(context_.cpu, std::move(work));
  if (answer.has_error()) {
    reading.outcome.failure = answer.error();
    co_return result<void>();
  }
  for (const std::string& warning : answer->warnings) spdlog::warn("{}: {}", context_.site.name, warning);

  std::size_t fresh = 0;
  for (std::string& id : answer->item_ids) fresh += reading.ids.insert(std::move(id)).second ? 1 : 0;
  if (reading.page > 1 && fresh == 0) {  // past the end, or a shop that does not know `page`
    reading.outcome.complete = true;
    co_return result<void>();
  }
  const bool more = answer->more_pages && answer->items > 0;
  read.validators.body_hash = answer->body_hash;
  if (!more) {
    read.validators.etag = header(*response, "ETag");
    read.validators.last_modified = header(*response, "Last-Modified");
  }
  read.unchanged = known && known->body_hash == answer->body_hash;
  if (!read.unchanged) {
    read.products = std::move(answer->products);
    read.skipped = std::move(answer->skipped);
  }
  if (context_.site.debug || context_.site.api->debug) {
    spdlog::info("{}: {}: {} items, {} products, {} skipped{}", context_.site.name, redacted(reading.url),
                 answer->items, read.products.size(), read.skipped.size(),
                 read.unchanged ? ", unchanged" : "");
  }
  const auto accepted = co_await sink.accept(std::move(read));
  if (accepted.has_error()) co_return accepted.error();
  reading.more = more;
  reading.outcome.complete = !more;
  if (more) reading.url = with_query(reading.url, "page", std::to_string(++reading.page));
  co_return result<void>();
}

fetch_request api_source::request_for(const std::string& url) const {
  const config::site& site = context_.site;
  fetch_request request;
  request.site = site.name;
  request.respect_robots = site.respect_robots.value_or(context_.fetch.robots);
  if (site.delay_ms) request.delay = std::chrono::milliseconds(*site.delay_ms);
  request.http.url = url;
  request.http.timeout = context_.fetch.pages.timeout;
  request.http.max_bytes = context_.fetch.pages.max_bytes;
  request.http.proxy = site.proxy;
  request.http.cookies = context_.cookies;
  for (const auto& [name, value] : site.api->headers) request.http.headers.set(name, value);
  request.http.headers.set_default("User-Agent", context_.fetch.user_agent);
  request.http.headers.set_default("Accept", "application/json, text/plain, */*");
  request.http.headers.set_default("Accept-Language", "en-US,en;q=0.9");
  return request;
}

std::string api_source::first_address(const std::string& endpoint) const {
  std::string address = endpoint;
  for (const auto& [name, value] : context_.site.api->params) address = with_query(address, name, value);
  return address;
}

}  // namespace catwalk::scrape
