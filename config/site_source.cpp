#include "config/site_source.hpp"

#include "config/mapping_reader.hpp"
#include "config/source_values.hpp"
#include "config/yaml_value.hpp"

namespace catwalk::config {
namespace {

void read_selectors(const yaml_node& node, const std::string& name, html_source& html, problems& found) {
  if (node.type != yaml_node::kind::mapping) {
    refuse(found, node.where, name + ": expected a mapping, " + description(node));
    return;
  }
  for (const auto& entry : node.entries) {
    check_field_name(entry, name, found);
    if (entry.value->type == yaml_node::kind::null) continue;
    if (auto selector = read_text(*entry.value, name + "." + entry.key, found)) {
      html.product_selectors.emplace_back(entry.key, located_text{std::move(*selector), entry.value->where});
    }
  }
}

category_discovery read_discovery(const yaml_node& node, const std::string& path, problems& found) {
  category_discovery read;
  std::vector<located_text> endpoints;
  mapping_reader(path, found)
      .on("endpoint", addresses(endpoints, found))
      .on("items_path", expression_list(read.items_path, found))
      .on("url_path", located(read.url_path, found))
      .on("id_path", located(read.id_path, found))
      .on("url_template", text(read.url_template, found))
      .on("headers", headers(read.headers, found))
      .read(node);
  if (!endpoints.empty()) read.endpoint = endpoints.front();
  if (endpoints.size() > 1)
    refuse(found, endpoints[1].where, path + ".endpoint: expected one address, found several");
  if (!node.find("endpoint")) refuse(found, node.where, path + ": needs endpoint");
  return read;
}

paging read_paging(const yaml_node& node, const std::string& path, problems& found) {
  paging read;
  const auto number = [&](int& to, int low, int high) {
    return [&, low, high](const yaml_node& value, const std::string& name) {
      if (const auto given = read_integer(value, name, low, high, found)) to = static_cast<int>(*given);
    };
  };
  mapping_reader(path, found)
      .on("page", text(read.page, found))
      .on("first", number(read.first, 0, 1'000'000))
      .on("offset", text(read.offset, found))
      .on("cursor", located(read.cursor, found))
      .on("cursor_parameter", text(read.cursor_parameter, found))
      .on("next", located(read.next, found))
      .on("more", located(read.more, found))
      .on("max_pages", number(read.max_pages, 1, 100'000))
      .read(node);
  if (!read.cursor && !read.cursor_parameter.empty())
    refuse(found, node.where, path + ": cursor_parameter needs cursor, which says where the answer has it");
  return read;
}

category_discovery_html read_discovery_html(const yaml_node& node, const std::string& path, problems& found) {
  category_discovery_html read;
  std::optional<located_text> selector;
  mapping_reader(path, found)
      .on("category_pages", addresses(read.category_pages, found))
      .on("category_link_selector", located(selector, found))
      .on("link_href_filter", text(read.link_href_filter, found))
      .on("product_api_from_category", flag(read.product_api_from_category, found))
      .on("extract_category_id_regex", located(read.extract_category_id_regex, found))
      .on("extract_category_query_param", text(read.extract_category_query_param, found))
      .read(node);
  if (selector) read.category_link_selector = *selector;
  if (!node.find("category_pages")) refuse(found, node.where, path + ": needs category_pages");
  return read;
}

}  // namespace

html_source read_html_source(const yaml_node& node, const std::string& path, bool fallback, problems& found) {
  html_source html;
  mapping_reader reader(path, found);
  if (fallback) reader.on("page_url", addresses(html.category_urls, found));
  reader.on("category_urls", addresses(html.category_urls, found))
      .on("product_selector", located(html.product_selector, found))
      .on("product_link_selector", located(html.product_link_selector, found))
      .on("product_selectors",
          [&](const yaml_node& value, const std::string& name) { read_selectors(value, name, html, found); })
      .on("sitemaps", addresses(html.sitemaps, found))
      .on("sitemap_url_contains", text(html.sitemap_url_contains, found))
      .on("headers", headers(html.headers, found))
      .on("prewarm", addresses(html.prewarm, found))
      .on("prewarm_urls", addresses(html.prewarm, found))
      .on("use_browser", flag(html.use_browser, found))
      .on("wait_for", located(html.wait_for, found))
      .on("debug", flag(html.debug, found));
  if (!reader.read(node)) return html;
  if (!node.find("category_urls") && !node.find("sitemaps") && !(fallback && node.find("page_url"))) {
    refuse(found, node.where, path + (fallback ? ": needs page_url" : ": needs category_urls or sitemaps"));
  }
  if (html.wait_for && !html.use_browser)
    warn(found, html.wait_for->where, path + ".wait_for has no effect without use_browser", "");
  return html;
}

api_source read_api_source(const yaml_node& node, const std::string& path, problems& found) {
  api_source api;
  mapping_reader reader(path, found);
  reader.on("endpoint", addresses(api.endpoints, found))
      .on("endpoints", addresses(api.endpoints, found))
      .on("items_path", expression_list(api.items_path, found))
      .on("field_map", [&](const yaml_node& value,
                           const std::string& name) { api.field_map = read_field_map(value, name, found); })
      .on("body",
          [&](const yaml_node& value, const std::string& name) {
            if (auto text = read_text(value, name, found)) api.body = std::move(*text);
          })
      .on("paging", [&](const yaml_node& value,
                        const std::string& name) { api.pages = read_paging(value, name, found); })
      .on("headers", headers(api.headers, found))
      .on("params", pairs(api.params, found))
      .on("prewarm", addresses(api.prewarm, found))
      .on("prewarm_urls", addresses(api.prewarm, found))
      .on("product_url_template", text(api.product_url_template, found))
      .on("discover_categories",
          [&](const yaml_node& value, const std::string& name) {
            api.discover_categories = read_discovery(value, name, found);
          })
      .on("discover_categories_html",
          [&](const yaml_node& value, const std::string& name) {
            api.discover_categories_html = read_discovery_html(value, name, found);
          })
      .on("fallback_html",
          [&](const yaml_node& value, const std::string& name) {
            api.fallback_html = read_html_source(value, name, true, found);
          })
      .on("use_browser",
          [&](const yaml_node& value, const std::string& name) {
            if (read_flag(value, name, found).value_or(false)) {
              warn(found, value.where, name + " has no effect: endpoints are asked without a browser",
                   "fallback_html takes use_browser");
            }
          })
      .on("debug", flag(api.debug, found));
  if (!reader.read(node)) return api;
  const bool discovers = api.discover_categories || api.discover_categories_html;
  if (!node.find("endpoint") && !node.find("endpoints") && !discovers) {
    refuse(found, node.where, path + ": needs endpoint, endpoints or discover_categories");
  }
  for (const char* needed : {"items_path", "field_map"}) {
    if (!node.find(needed)) refuse(found, node.where, path + ": needs " + needed);
  }
  return api;
}

}  // namespace catwalk::config
