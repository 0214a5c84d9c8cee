#include "config/site_source.hpp"

#include <algorithm>

#include "config/header_name.hpp"
#include "config/letter_case.hpp"
#include "config/mapping_reader.hpp"
#include "config/nearest_key.hpp"
#include "config/yaml_value.hpp"

namespace catwalk::config {
namespace {

using texts = std::vector<located_text>;

bool is_web_address(std::string_view text) {
  const std::string start = lower_case(text.substr(0, 8));
  return (start.rfind("http://", 0) == 0 && text.size() > 7) || (start == "https://" && text.size() > 8);
}

/// Addresses, one or a list, added to `to`: `endpoint` and `endpoints` may both be given.
mapping_reader::reader addresses(texts& to, problems& found) {
  return [&to, &found](const yaml_node& node, const std::string& name) {
    const auto read = read_texts(node, name, found);
    if (!read) return;
    for (const auto& one : *read) {
      const auto address = read_line(scalar_node(one.text, one.where), name, found);
      if (!address) continue;
      if (!is_web_address(*address)) {
        refuse(found, one.where,
               name + ": expected an http:// or https:// address, found '" + *address + "'");
        continue;
      }
      to.push_back({*address, one.where});
    }
  };
}

/// Expressions, one or a list; empty ones are dropped.
mapping_reader::reader expression_list(expressions& to, problems& found) {
  return [&to, &found](const yaml_node& node, const std::string& name) {
    const auto read = read_texts(node, name, found);
    if (!read) return;
    std::copy_if(read->begin(), read->end(), std::back_inserter(to),
                 [](const auto& e) { return !e.text.empty(); });
  };
}

mapping_reader::reader located(std::optional<located_text>& to, problems& found) {
  return [&to, &found](const yaml_node& node, const std::string& name) {
    auto text = read_text(node, name, found);
    if (text && !text->empty()) to = located_text{std::move(*text), node.where};
  };
}

mapping_reader::reader text(std::string& to, problems& found) {
  return [&to, &found](const yaml_node& node, const std::string& name) {
    if (auto value = read_line(node, name, found)) to = std::move(*value);
  };
}

mapping_reader::reader flag(bool& to, problems& found) {
  return [&to, &found](const yaml_node& node, const std::string& name) {
    if (auto value = read_flag(node, name, found)) to = *value;
  };
}

mapping_reader::reader pairs(header_list& to, problems& found) {
  return
      [&to, &found](const yaml_node& node, const std::string& name) { to = read_pairs(node, name, found); };
}

mapping_reader::reader headers(header_list& to, problems& found) {
  return [&to, &found](const yaml_node& node, const std::string& name) {
    to = read_pairs(node, name, found);
    for (const auto& [header, value] : to) {
      if (is_header_name(header)) continue;
      refuse(found, node.where, name + ": '" + header + "' cannot be a header's name");
    }
  };
}

/// A name that is almost one of the known fields is worth a word; others are the site's own.
void check_field(const yaml_entry& entry, const std::string& name, problems& found) {
  static const std::vector<std::string> known{"external_id",
                                              "product_id",
                                              "title",
                                              "description",
                                              "color_names",
                                              "gender",
                                              "price",
                                              "sale",
                                              "currency",
                                              "country",
                                              "image",
                                              "image_url",
                                              "additional_images",
                                              "_xmedia_urls",
                                              "seo_keyword",
                                              "seo_product_id",
                                              "product_url",
                                              "affiliate_url",
                                              "brand",
                                              "merchant",
                                              "merchant_name",
                                              "availability",
                                              "category",
                                              "subcategory",
                                              "size",
                                              "second_hand",
                                              "metadata",
                                              "other"};
  if (std::find(known.begin(), known.end(), entry.key) != known.end()) return;
  const std::string near = nearest_key(entry.key, known);
  if (near.empty()) return;
  warn(found, entry.where, name + ": '" + entry.key + "' is no known field", "did you mean '" + near + "'?");
}

void read_field_map(const yaml_node& node, const std::string& name, api_source& api, problems& found) {
  if (node.type != yaml_node::kind::mapping) {
    refuse(found, node.where, name + ": expected a mapping, " + description(node));
    return;
  }
  for (const auto& entry : node.entries) {
    check_field(entry, name, found);
    expressions read;
    expression_list(read, found)(*entry.value, name + "." + entry.key);
    api.field_map.emplace_back(entry.key, std::move(read));
  }
}

void read_selectors(const yaml_node& node, const std::string& name, html_source& html, problems& found) {
  if (node.type != yaml_node::kind::mapping) {
    refuse(found, node.where, name + ": expected a mapping, " + description(node));
    return;
  }
  for (const auto& entry : node.entries) {
    check_field(entry, name, found);
    if (entry.value->type == yaml_node::kind::null) continue;
    if (auto selector = read_text(*entry.value, name + "." + entry.key, found)) {
      html.product_selectors.emplace_back(entry.key, located_text{std::move(*selector), entry.value->where});
    }
  }
}

category_discovery read_discovery(const yaml_node& node, const std::string& path, problems& found) {
  category_discovery read;
  texts endpoints;
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

header_list read_pairs(const yaml_node& node, const std::string& name, problems& found) {
  header_list read;
  if (node.type != yaml_node::kind::mapping) {
    refuse(found, node.where, name + ": expected a mapping, " + description(node));
    return read;
  }
  for (const auto& entry : node.entries) {
    const auto values = read_texts(*entry.value, name + "." + entry.key, found);
    if (!values) continue;
    for (const auto& one : *values) {
      auto value = read_line(scalar_node(one.text, one.where), name + "." + entry.key, found);
      if (value) read.emplace_back(entry.key, std::move(*value));
    }
  }
  return read;
}

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
      .on("debug", flag(html.debug, found));
  if (!reader.read(node)) return html;
  if (!node.find("category_urls") && !node.find("sitemaps") && !(fallback && node.find("page_url"))) {
    refuse(found, node.where, path + (fallback ? ": needs page_url" : ": needs category_urls or sitemaps"));
  }
  return html;
}

api_source read_api_source(const yaml_node& node, const std::string& path, problems& found) {
  api_source api;
  mapping_reader reader(path, found);
  reader.on("endpoint", addresses(api.endpoints, found))
      .on("endpoints", addresses(api.endpoints, found))
      .on("items_path", expression_list(api.items_path, found))
      .on("field_map",
          [&](const yaml_node& value, const std::string& name) { read_field_map(value, name, api, found); })
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
