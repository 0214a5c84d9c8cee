#include "scrape/shopify_source.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "core/url.hpp"
#include "scrape/json_document.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

/// Collections of 250 on a page of /collections.json.
constexpr int max_collection_pages = 40;

page_manners manners_of(const config::shopify_source& shop) {
  page_manners manners;
  manners.headers = shop.headers;
  manners.accept = "application/json";
  manners.debug = shop.debug;
  return manners;
}

/// The shop refuses the listing as such, rather than catwalk.
bool is_limited(const endpoint_outcome& outcome) {
  if (!outcome.failure || outcome.failure->code != errc::http_status) return false;
  const int status = outcome.failure->http_status;
  return status >= 400 && status < 500 && status != 408 && status != 425;
}

result<json> json_of(const result<http_response>& response, const std::string& url, const char* what) {
  if (response.has_error()) return response.error();
  if (response->status != 200) {
    error failure{errc::http_status, what, redacted(url),
                  "the shop answered " + std::to_string(response->status), ""};
    failure.http_status = response->status;
    return failure;
  }
  return parse_json_document(response->body, url);
}

/// What /meta.json names. Prices without their currency would change every row that was written with it,
/// hence a shop that names none is an error.
result<std::string> currency_of(const result<http_response>& response, const std::string& url) {
  constexpr const char* what = "cannot read the shop's currency";
  constexpr const char* way_out = "set currency: at the site";
  const auto document = json_of(response, url, what);
  if (document.has_error()) {
    error failure = document.error();
    if (failure.hint.empty()) failure.hint = way_out;
    return failure;
  }
  const json code = document->is_object() ? document->value("currency", json()) : json();
  if (!code.is_string()) return error{errc::malformed, what, url, "it names none", way_out};
  return code.get<std::string>();
}

}  // namespace

shopify_source::shopify_source(const source_context& context, shopify_reader reader)
    : context_(context),
      reader_(std::move(reader)),
      run_(context_, manners_of(*context_.site.shopify), reader_) {}

result<std::unique_ptr<source>> shopify_source::make(const source_context& context) {
  auto reader = shopify_reader::compile(context.site);
  if (reader.has_error()) return reader.error();
  return std::unique_ptr<source>(new shopify_source(context, std::move(*reader)));
}

asio::awaitable<result<std::vector<endpoint_outcome>>> shopify_source::read(page_sink& sink) {
  return cancellable(read_all(sink), context_.site);
}

asio::awaitable<result<std::vector<endpoint_outcome>>> shopify_source::read_all(page_sink& sink) {
  const config::shopify_source& shop = *context_.site.shopify;
  if (auto warmed = co_await run_.requests().prewarm(shop.prewarm); warmed.has_error())
    co_return warmed.error();
  if (auto found = co_await find_currency(); found.has_error()) co_return found.error();

  std::vector<std::string> handles;
  for (const config::located_text& handle : shop.collections) handles.push_back(handle.text);
  if (handles.empty() && !shop.every_collection) {
    listing whole = listing_of("");
    auto outcome = co_await run_.read(std::move(whole), 0, sink);
    if (outcome.has_error()) co_return outcome.error();
    if (!is_limited(*outcome)) co_return std::vector{std::move(*outcome)};
    spdlog::info("{}: the shop limits its whole listing ({}): reading it by collection", context_.site.name,
                 outcome->failure->why);
  }
  if (handles.empty()) {
    auto found = co_await find_collections();
    if (found.has_error()) co_return found.error();
    handles = std::move(*found);
  }
  std::vector<endpoint_outcome> outcomes;
  for (const std::string& handle : handles) {
    listing next = listing_of(handle);
    // The whole listing has the place before the first.
    auto outcome = co_await run_.read(std::move(next), static_cast<int>(outcomes.size()) + 1, sink);
    if (outcome.has_error()) co_return outcome.error();
    outcomes.push_back(std::move(*outcome));
  }
  co_return outcomes;
}

asio::awaitable<result<void>> shopify_source::find_currency() {
  if (!context_.site.currency.empty()) co_return result<void>();
  page_address meta{context_.site.shopify->url.text + "/meta.json", ""};
  const std::string url = meta.url;
  auto response = co_await run_.requests().fetch(std::move(meta));
  auto currency = currency_of(response, url);
  if (currency.has_error()) co_return currency.error();
  reader_.set_currency(std::move(*currency));
  co_return result<void>();
}

asio::awaitable<result<std::vector<std::string>>> shopify_source::find_collections() {
  std::vector<std::string> handles;
  const std::string first = context_.site.shopify->url.text + "/collections.json?limit=250";
  for (int number = 1; number <= max_collection_pages; ++number) {
    page_address address{number == 1 ? first : with_query(first, "page", std::to_string(number)), ""};
    const std::string url = address.url;
    auto response = co_await run_.requests().fetch(std::move(address));
    auto document = json_of(response, url, "cannot list the shop's collections");
    if (document.has_error()) co_return document.error();
    const json list = document->is_object() ? document->value("collections", json()) : json();
    if (!list.is_array())
      co_return error{errc::malformed, "cannot list the shop's collections", url, "it holds no list of them",
                      "name them under shopify.collections"};
    for (const json& one : list) {
      if (!one.is_object() || !one.contains("handle") || !one["handle"].is_string()) continue;
      if (one.contains("products_count") && one["products_count"] == 0) continue;
      handles.push_back(one["handle"].get<std::string>());
    }
    if (list.size() < 30) break;
  }
  if (handles.empty())
    co_return error{errc::not_found, "the shop has no collections", first, "",
                    "name them under shopify.collections"};
  co_return handles;
}

listing shopify_source::listing_of(const std::string& collection) const {
  page_address first = reader_.first_page(collection);
  std::string endpoint = first.url.substr(0, first.url.find('?'));
  return {std::move(endpoint), std::move(first)};
}

}  // namespace catwalk::scrape
