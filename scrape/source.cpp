#include "scrape/source.hpp"

#include <algorithm>
#include <string_view>

#include "scrape/api_source.hpp"
#include "scrape/discovery.hpp"
#include "scrape/feed_source.hpp"
#include "scrape/field_map.hpp"
#include "scrape/html_source.hpp"
#include "scrape/shopify_source.hpp"
#include "scrape/sitemap_source.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using level = config::problem::level;

config::problem problem_of(level severity, const config::place& where, std::string what,
                           std::string hint = "") {
  return {severity, where, std::move(what), std::move(hint)};
}

void check_fields(const config::field_expressions& fields, const std::string& key, config::problems& found) {
  for (const auto& [field, expressions] : fields) {
    for (const config::located_text& expression : expressions) {
      if (trimmed(expression.text).empty()) continue;
      std::string name = key;
      name.append(".").append(field);
      auto of_one = check_expression(expression, name);
      std::move(of_one.begin(), of_one.end(), std::back_inserter(found));
    }
  }
}

void check_html(const config::html_source& html, const std::string& key, config::problems& found) {
  auto selectors = html_reader::check(html, key);
  std::move(selectors.begin(), selectors.end(), std::back_inserter(found));
}

void check_api(const config::site& site, config::problems& found) {
  const config::api_source& api = *site.api;
  const auto add_all = [&](config::problems list) {
    std::move(list.begin(), list.end(), std::back_inserter(found));
  };
  for (const config::located_text& path : api.items_path) add_all(check_expression(path, "api.items_path"));
  check_fields(api.field_map, "api.field_map", found);
  for (const auto& [expression, key] : {std::pair(&api.pages.cursor, "api.paging.cursor"),
                                        {&api.pages.next, "api.paging.next"},
                                        {&api.pages.more, "api.paging.more"}}) {
    if (*expression) add_all(check_expression(**expression, key));
  }
  const auto maps = [&](std::string_view field) {
    return std::any_of(api.field_map.begin(), api.field_map.end(),
                       [&](const auto& f) { return f.first == field && !f.second.empty(); });
  };
  if (api.items_path.empty()) {
    found.push_back(
        problem_of(level::error, site.where, "api.items_path is missing: nothing says where the items are"));
  }
  if (!maps("external_id") && !maps("product_id")) {
    found.push_back(
        problem_of(level::error, site.where,
                   "api.field_map has neither external_id nor product_id: every item would be skipped"));
  }
  if (!maps("image_url") && !maps("_xmedia_urls")) {
    found.push_back(
        problem_of(level::error, site.where,
                   "api.field_map has neither image_url nor _xmedia_urls: every item would be skipped"));
  }
  if (!maps("price")) {
    found.push_back(
        problem_of(level::error, site.where, "api.field_map has no price: every item would be skipped"));
  }
  add_all(check_discovery(api));
  if (api.fallback_html) check_html(*api.fallback_html, "api.fallback_html", found);
}

}  // namespace

void page::keep(const known_page& as_known) {
  unchanged = true;
  skipped = as_known.skipped;
  known_products = as_known.products;
}

boost::asio::awaitable<result<void>> page_sink::settle() {
  co_return result<void>();
}

result<std::unique_ptr<source>> make_source(const source_context& context) {
  if (context.site.api) return api_source::make(context);
  if (context.site.html) return html_source::make(context);
  if (context.site.shopify) return shopify_source::make(context);
  if (context.site.feed) return feed_source::make(context);
  if (context.site.sitemap) return sitemap_source::make(context);
  return error{errc::invalid_config, "cannot read the site", context.site.name, "nothing says what to read",
               ""};
}

bool uses_browser(const config::site& site) {
  return site.html || (site.api && site.api->fallback_html);
}

config::problems check_site(const config::site& site) {
  config::problems found;
  if (site.api) check_api(site, found);
  if (site.html) check_html(*site.html, "html", found);
  if (site.shopify) check_fields(site.shopify->field_map, "shopify.field_map", found);
  if (site.feed) check_fields(site.feed->field_map, "feed.field_map", found);
  return found;
}

}  // namespace catwalk::scrape
