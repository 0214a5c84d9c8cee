#include "daemon/catalogue_endpoints.hpp"

#include <algorithm>
#include <sstream>

#include "core/json_text.hpp"
#include "core/offload.hpp"
#include "daemon/embed_endpoints.hpp"
#include "daemon/http_error.hpp"
#include "daemon/product_json.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

using nlohmann::json;

error no_product(const std::string& id) {
  return {errc::not_found, "no such product", id, "", "GET /api/v1/products has their ids"};
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word && words.size() < 10;) words.push_back(word);
  return words;
}

int read_k(query_parameters& query) {
  return static_cast<int>(query.integer("k", 1, 200).value_or(24));
}

}  // namespace

storage::product_filter read_filter(query_parameters& query) {
  storage::product_filter filter;
  filter.site = query.text("site");
  filter.category = query.text("category");
  filter.gender = query.text("gender");
  filter.availability = query.one_of("availability", {"in_stock", "out_of_stock", "unknown"});
  filter.currency = query.text("currency", 3);
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (filter.currency && (filter.currency->size() != 3 ||
                          !std::all_of(filter.currency->begin(), filter.currency->end(), is_letter)))
    query.refuse("currency", "it is no code of three letters");
  filter.min_price = query.amount("min_price");
  filter.max_price = query.amount("max_price");
  return filter;
}

asio::awaitable<http_reply> catalogue_endpoints::list(const http_server_request& request) {
  query_parameters query(request);
  const int limit = query.limit();
  const auto after = query.after();
  auto filter = read_filter(query);
  filter.words = words_of(query.text("q").value_or(""));
  filter.gone = query.flag("gone");
  const bool counted = query.flag("count");
  if (const auto wrong = query.finish()) co_return error_reply(*wrong);
  storage::catalogue_browser browser(app_.database());
  json page{{"items", json::array()}, {"next", nullptr}, {"total", nullptr}};
  if (counted) {
    const auto total = co_await browser.count(filter);
    if (!total) co_return error_reply(total.error());
    page["total"] = *total;
  }
  const auto products = co_await browser.products(std::move(filter), limit, after);
  if (!products) co_return error_reply(products.error());
  for (const auto& one : *products) page["items"].push_back(product_json(one));
  if (static_cast<int>(products->size()) == limit) page["next"] = std::to_string(products->back().number);
  co_return json_reply(200, json_text(page) + "\n");
}

asio::awaitable<http_reply> catalogue_endpoints::show(const http_server_request& request, std::string id) {
  if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
  product_id wanted(id);
  const auto entry = co_await app_.catalogue().find(std::move(wanted));
  if (!entry) co_return error_reply(entry.error());
  if (!*entry) co_return error_reply(no_product(id));
  co_return json_reply(200, json_text(product_detail_json(**entry)) + "\n");
}

asio::awaitable<http_reply> catalogue_endpoints::facets(const http_server_request& request) {
  query_parameters query(request);
  auto site = query.text("site");
  if (const auto wrong = query.finish()) co_return error_reply(*wrong);
  storage::catalogue_browser browser(app_.database());
  const auto found = co_await browser.facets(std::move(site));
  if (!found) co_return error_reply(found.error());
  co_return json_reply(200, json_text(facets_json(*found)) + "\n");
}

asio::awaitable<result<embedding>> catalogue_endpoints::vector_of(std::string id) {
  product_id wanted(id);
  auto entry = co_await app_.catalogue().find(std::move(wanted));
  if (!entry) co_return entry.error();
  if (!*entry) co_return no_product(id);
  if (!(*entry)->vector) co_return error{errc::not_found, "the product has no vector yet", id, "", ""};
  co_return std::move(*(*entry)->vector);
}

asio::awaitable<result<embedding>> catalogue_endpoints::vector_of_words(std::string text) {
  if (app_.encoder() == nullptr)
    co_return error{errc::model_missing, "cannot search by text", "", "the model is not loaded yet",
                    "try again in a moment"};
  auto* texts = app_.texts();
  if (texts == nullptr) co_return app_.no_texts();
  std::vector<std::string> asked{std::move(text)};
  auto made = co_await texts->embed(std::move(asked));
  if (!made) co_return made.error();
  embedding vector = std::move(made->vectors.front());
  vector.fingerprint = app_.encoder()->model().fingerprint;
  co_return vector;
}

asio::awaitable<http_reply> catalogue_endpoints::search(const http_server_request& request) {
  query_parameters query(request);
  auto text = query.text("text", 1000);
  auto id = query.text("id");
  const int k = read_k(query);
  auto filter = read_filter(query);
  if (text.has_value() == id.has_value()) query.refuse("text", "name either text or id");
  if (const auto wrong = query.finish()) co_return error_reply(*wrong);
  result<embedding> vector = embedding();
  if (id) {
    auto found = co_await vector_of(*id);
    vector = std::move(found);
  } else {
    auto made = co_await vector_of_words(std::move(*text));
    vector = std::move(made);
  }
  if (!vector) co_return error_reply(vector.error());
  co_return co_await nearest(std::move(*vector), k, std::move(filter), id.value_or(""));
}

asio::awaitable<http_reply> catalogue_endpoints::search_picture(const http_server_request& request) {
  query_parameters query(request);
  const int k = read_k(query);
  auto filter = read_filter(query);
  if (const auto wrong = query.finish()) co_return error_reply(*wrong);
  auto read = [&request]() -> result<picture_query> {
    const auto type = request[http::field::content_type];
    auto picture = read_picture_query({type.data(), type.size()}, request.body());
    // People search with what they hold: the daemon fetches nothing here.
    if (picture && !picture->address.empty())
      return error{errc::invalid_argument, "cannot read the request", "", "send the picture itself", ""};
    return picture;
  };
  auto picture = co_await offload(app_.cpu(), std::move(read));
  if (!picture) co_return error_reply(picture.error());
  auto vector = co_await pictures_.embed(std::move(*picture), true);
  if (!vector) co_return error_reply(vector.error());
  co_return co_await nearest(std::move(*vector), k, std::move(filter), "");
}

asio::awaitable<http_reply> catalogue_endpoints::nearest(embedding query, int k,
                                                         storage::product_filter filter,
                                                         std::string without) {
  const int asked = without.empty() ? k : k + 1;
  const auto found = co_await app_.catalogue().nearest_of(std::move(query.values), asked, query.fingerprint,
                                                          std::move(filter));
  if (!found) {
    auto refusal = error_reply(found.error());
    if (found.error().code == errc::invalid_config)
      refusal.status = 503;  // more vectors than search.memory holds
    co_return refusal;
  }
  storage::catalogue_browser browser(app_.database());
  json results = json::array();
  for (const auto& one : *found) {
    if (one.item.id.str() == without || static_cast<int>(results.size()) == k) continue;
    auto id = one.item.id;
    const auto listed = co_await browser.product_of(std::move(id));
    if (!listed) co_return error_reply(listed.error());
    if (!*listed) continue;  // retention was quicker
    auto j = product_json(**listed);
    j["score"] = std::clamp(one.score, -1.0F, 1.0F);
    j["image_url"] = one.item.image_url;
    results.push_back(std::move(j));
  }
  co_return json_reply(200, json_text({{"model", query.model},
                                       {"untrained", query.made.untrained},
                                       {"results", std::move(results)}}) +
                                "\n");
}

void catalogue_endpoints::add_to(http_router& router) {
  using values = path_values;
  const auto add = [&](http::verb method, const char* path, std::size_t most, auto answer) {
    router.add({method, path, access_policy::need::token, most, std::move(answer), {}});
  };
  add(http::verb::get, "/api/v1/products", 0,
      [this](const http_server_request& request, const values&) { return list(request); });
  add(http::verb::get, "/api/v1/products/{id}", 0,
      [this](const http_server_request& request, const values& in) { return show(request, in.at("id")); });
  add(http::verb::get, "/api/v1/facets", 0,
      [this](const http_server_request& request, const values&) { return facets(request); });
  add(http::verb::get, "/api/v1/search", 0,
      [this](const http_server_request& request, const values&) { return search(request); });
  add(http::verb::post, "/api/v1/search", most_picture_body(app_.settings()),
      [this](const http_server_request& request, const values&) { return search_picture(request); });
}

}  // namespace catwalk::daemon
