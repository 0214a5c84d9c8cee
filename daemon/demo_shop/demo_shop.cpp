#include "daemon/demo_shop/demo_shop.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/verb.hpp>
#include <nlohmann/json.hpp>
#include <span>

#include "core/offload.hpp"
#include "daemon/demo_shop/picture.hpp"
#include "daemon/demo_shop/shop_pages.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr int zara_page_size = 100;
constexpr int shopify_page_size = 250;
constexpr int men_category = 2443335;
constexpr int women_category = 2420896;

/// The value of `name` in a query string, as a number.
int number_in(std::string_view query, std::string_view name, int otherwise) {
  for (std::size_t at = 0; at < query.size();) {
    const auto end = std::min(query.find('&', at), query.size());
    const auto part = query.substr(at, end - at);
    if (part.size() > name.size() && part.starts_with(name) && part[name.size()] == '=')
      return std::max(0, std::atoi(std::string(part.substr(name.size() + 1)).c_str()));
    at = end + 1;
  }
  return otherwise;
}

std::optional<shop_fault::kind> fault_kind(const std::string& name) {
  using kind = shop_fault::kind;
  constexpr std::array<std::pair<std::string_view, kind>, 6> kinds{{{"403", kind::forbidden},
                                                                    {"429", kind::too_many_requests},
                                                                    {"slow", kind::slow},
                                                                    {"truncated", kind::truncated},
                                                                    {"huge", kind::huge},
                                                                    {"html", kind::html}}};
  for (const auto& [text, what] : kinds)
    if (text == name) return what;
  return std::nullopt;
}

http_reply reply_of(std::string type, std::string body) {
  http_reply reply;
  reply.content_type = std::move(type);
  reply.body = std::move(body);
  return reply;
}

http_reply not_found() {
  auto reply = reply_of("text/plain", "not found\n");
  reply.status = 404;
  return reply;
}

std::string picture_type(std::string_view path) {
  if (path.ends_with(".png")) return "image/png";
  return path.ends_with(".webp") ? "image/webp" : "image/jpeg";
}

}  // namespace

demo_shop::demo_shop(asio::any_io_executor loop, asio::any_io_executor cpu, demo_shop_options options)
    : loop_(loop),
      cpu_(std::move(cpu)),
      options_(std::move(options)),
      garments_(make_garments(options_.products, options_.seed)),
      server_(loop, {.listen = options_.listen, .max_connections = 256, .server_name = "demo-shop"},
              [this](const http_server_request& request) { return answer(request); }) {
  for (std::size_t i = 0; i < garments_.size(); ++i) by_picture_[garments_[i].picture_path()] = i;
}

demo_shop::~demo_shop() = default;

result<void> demo_shop::start() {
  return server_.start();
}
asio::awaitable<void> demo_shop::stop() {
  co_await server_.stop();
}
std::string demo_shop::endpoint() const {
  return fmt::format("127.0.0.1:{}", server_.local_endpoint().port());
}
std::string demo_shop::origin() const {
  return "http://" + endpoint();
}

void demo_shop::render_all() {
  for (const auto& g : garments_)
    drawn_[g.picture_path()] = std::make_shared<const std::string>(draw_picture(g));
}

asio::awaitable<http_reply> demo_shop::answer(const http_server_request& request) {
  const std::string target(request.target());
  const auto mark = std::min(target.find('?'), target.size());
  const auto path = target.substr(0, mark);
  const auto query = std::string_view(target).substr(std::min(mark + 1, target.size()));
  if (path == "/__faults" && request.method() == http::verb::post) co_return set_faults(request.body());
  if (path == "/__requests") co_return json_reply(200, nlohmann::json(requests_).dump());
  const auto segment = path.substr(0, path.find('/', 1));
  ++requests_[segment];

  const auto fault = next_fault(path);
  http_reply reply;
  if (by_picture_.contains(path)) {
    reply = co_await picture(path);
  } else {
    auto found = page(path, query);
    reply = found ? std::move(*found) : not_found();
  }
  if (fault) co_return co_await with_fault(*fault, std::move(reply));
  co_return reply;
}

std::optional<http_reply> demo_shop::page(std::string_view path, std::string_view query) {
  const std::span<const garment> all(garments_);
  const auto nord = all.first(all.size() * 2 / 3);
  const auto mira = all.subspan(nord.size());
  constexpr std::string_view category = "/us/en/category/";
  if (path == "/robots.txt")
    return reply_of("text/plain",
                    "User-agent: *\nDisallow: /private/\nSitemap: " + origin() + "/sitemap.xml\n");
  if (path == "/") return reply_of("text/html; charset=utf-8", html_listing(all));
  if (path == "/sitemap.xml") return reply_of("application/xml", sitemap(all, origin()));
  if (path.starts_with(category) && path.ends_with("/products")) {
    const int number = std::atoi(std::string(path.substr(category.size())).c_str());
    std::vector<garment> chosen;
    std::copy_if(nord.begin(), nord.end(), std::back_inserter(chosen), [number](const garment& g) {
      return (number == women_category && g.women) || (number == men_category && !g.women);
    });
    return reply_of("application/json",
                    zara_page(chosen, origin(), number_in(query, "page", 1), zara_page_size));
  }
  if (path == "/mira/products.json")
    return reply_of("application/json",
                    shopify_page(mira, origin(), number_in(query, "page", 1),
                                 std::clamp(number_in(query, "limit", 30), 1, shopify_page_size)));
  if (path == "/mira/meta.json") return reply_of("application/json", R"({"name":"Mira","currency":"EUR"})");
  constexpr std::string_view product = "/products/";
  if (path.starts_with(product)) {
    const auto g = std::find_if(all.begin(), all.end(), [&](const garment& item) {
      return item.handle() == path.substr(product.size());
    });
    if (g != all.end()) return reply_of("text/html; charset=utf-8", html_product(*g, origin()));
  }
  return std::nullopt;
}

asio::awaitable<http_reply> demo_shop::picture(std::string path) {
  auto& bytes = drawn_[path];
  if (!bytes) {
    const auto& g = garments_[by_picture_.at(path)];
    bytes = co_await offload(cpu_, [&g] { return std::make_shared<const std::string>(draw_picture(g)); });
  }
  auto reply = reply_of(picture_type(path), *bytes);
  reply.headers.emplace_back("ETag", "\"" + std::to_string(bytes->size()) + "\"");
  co_return reply;
}

std::optional<shop_fault::kind> demo_shop::next_fault(std::string_view path) {
  for (auto& fault : faults_) {
    if (!path.starts_with(fault.path_prefix) || fault.remaining == 0) continue;
    if (++matched_[fault.path_prefix] % fault.every != 0) continue;
    if (fault.remaining > 0) --fault.remaining;
    return fault.what;
  }
  return std::nullopt;
}

asio::awaitable<http_reply> demo_shop::with_fault(shop_fault::kind what, http_reply reply) {
  using kind = shop_fault::kind;
  switch (what) {
    case kind::forbidden:
      reply = reply_of("text/html", "<html><body>Access denied</body></html>\n");
      reply.status = 403;
      break;
    case kind::too_many_requests:
      reply = reply_of("text/plain", "slow down\n");
      reply.status = 429;
      reply.headers.emplace_back("Retry-After", "1");
      break;
    case kind::slow: {
      asio::steady_timer timer(loop_, std::chrono::seconds(3));
      co_await timer.async_wait(asio::use_awaitable);
      break;
    }
    case kind::truncated:
      reply.cut_after = reply.body.size() / 2;
      break;
    case kind::huge:
      reply.body.append(64U << 20U, ' ');
      break;
    case kind::html:
      reply = reply_of("text/html", "<!doctype html><html><body>Nothing to see</body></html>\n");
      break;
  }
  co_return reply;
}

http_reply demo_shop::set_faults(const std::string& body) {
  const auto list = nlohmann::json::parse(body, nullptr, false);
  if (!list.is_array()) return json_reply(400, R"({"error":"an array of faults is wanted"})");
  std::vector<shop_fault> faults;
  for (const auto& item : list) {
    const auto what = fault_kind(item.value("kind", ""));
    if (!what) return json_reply(400, R"({"error":"kind is one of 403, 429, slow, truncated, huge, html"})");
    faults.push_back(
        {*what, item.value("path", ""), std::max(1, item.value("every", 1)), item.value("count", -1)});
  }
  faults_ = std::move(faults);
  matched_.clear();
  return json_reply(200, nlohmann::json{{"faults", faults_.size()}}.dump());
}

std::string demo_shop::sites_yaml() const {
  const auto mira_products = garments_.size() - garments_.size() * 2 / 3;
  std::string mira_endpoints;
  for (std::size_t page = 1; (page - 1) * shopify_page_size < mira_products; ++page)
    mira_endpoints += fmt::format("      - \"{}/mira/products.json?limit={}&page={}\"\n", origin(),
                                  shopify_page_size, page);
  return fmt::format(R"(- brand: Atelier Nord
  merchant: Atelier Nord
  source: demo
  country: us
  price_unit: minor
  api:
    endpoints:
      - "{0}/us/en/category/{1}/products?ajax=true"
      - "{0}/us/en/category/{2}/products?ajax=true"
    items_path: ["productGroups[].elements[].commercialComponents[]"]
    field_map:
      external_id: "seo.discernProductId"
      title: "name"
      description: "detail.description"
      color_names: "detail.colors[].name"
      gender: "sectionName"
      category: "familyName"
      price: "price"
      currency: "'USD'"
      image_url: "detail.colors[].xmedia[] | [0].extraInfo.deliveryUrl"
      seo_keyword: "seo.keyword"
      seo_product_id: "id"
      brand: "'Atelier Nord'"
      availability: "availability"
    product_url_template: "{0}/products/{{keyword}}"
- brand: Mira
  merchant: Mira
  source: demo-mira
  country: eu
  price_unit: major
  api:
    endpoints:
{3}    items_path: ["products[]"]
    field_map:
      external_id: "id"
      title: "title"
      gender: "tags[0]"
      category: "product_type"
      size: "variants[].option1"
      price: "variants[0].price"
      currency: "'EUR'"
      image_url: "images[0].src"
      seo_keyword: "handle"
      brand: "vendor"
      availability: "variants[0].available"
    product_url_template: "{0}/products/{{keyword}}"
)",
                     origin(), men_category, women_category, mira_endpoints);
}

}  // namespace catwalk::daemon
