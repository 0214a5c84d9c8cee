#include "scrape/api_source.hpp"

#include <utility>

#include "core/url.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;

page_manners manners_of(const config::api_source& api) {
  page_manners manners;
  manners.headers = api.headers;
  manners.accept = "application/json, text/plain, */*";
  manners.debug = api.debug;
  return manners;
}

listing listing_of(const config::api_source& api, const std::string& endpoint) {
  std::string address = endpoint;
  for (const auto& [name, value] : api.params) address = with_query(address, name, value);
  return {endpoint, {std::move(address), ""}};
}

}  // namespace

api_source::api_source(const source_context& context, api_reader reader)
    : context_(context),
      reader_(std::move(reader)),
      run_(context_, manners_of(*context_.site.api), reader_) {}

result<std::unique_ptr<source>> api_source::make(const source_context& context) {
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
  return cancellable(read_all(sink), context_.site);
}

asio::awaitable<result<std::vector<endpoint_outcome>>> api_source::read_all(page_sink& sink) {
  const config::api_source& api = *context_.site.api;
  if (auto warmed = co_await run_.prewarm(api.prewarm); warmed.has_error()) co_return warmed.error();
  std::vector<endpoint_outcome> outcomes;
  for (std::size_t index = 0; index < api.endpoints.size(); ++index) {
    listing next = listing_of(api, api.endpoints[index].text);
    auto outcome = co_await run_.read(std::move(next), static_cast<int>(index), sink);
    if (outcome.has_error()) co_return outcome.error();
    if (api.fallback_html) note_fallback(*outcome);
    outcomes.push_back(std::move(*outcome));
  }
  co_return outcomes;
}

void api_source::note_fallback(endpoint_outcome& outcome) const {
  auto& failure = outcome.failure;
  if (!failure && outcome.complete && run_.items_of_last() == std::size_t(0)) {
    failure = error{errc::not_found, "the endpoint gave no items", redacted(outcome.endpoint), "", ""};
    outcome.complete = false;
  }
  if (failure) failure->hint = "api.fallback_html is not supported yet by this version and was not tried";
}

}  // namespace catwalk::scrape
