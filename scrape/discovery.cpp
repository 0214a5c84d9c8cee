#include "scrape/discovery.hpp"

#include <algorithm>
#include <optional>
#include <regex>
#include <utility>

#include "core/url.hpp"
#include "scrape/field_map.hpp"
#include "scrape/html_document.hpp"
#include "scrape/html_encoding.hpp"
#include "scrape/html_field.hpp"
#include "scrape/html_image.hpp"
#include "scrape/json_document.hpp"
#include "scrape/selector.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

constexpr std::size_t most_endpoints = 5000;
constexpr std::size_t longest_link = 2048;  // std::regex recurses over its input

/// Addresses, each once.
class endpoint_list {
 public:
  void add(const std::string& base, const std::string& address) {
    auto absolute = resolve_url(base, address);
    if (!absolute || list_.size() >= most_endpoints) return;
    if (std::find(list_.begin(), list_.end(), *absolute) == list_.end())
      list_.push_back(std::move(*absolute));
  }
  std::vector<std::string> take() { return std::move(list_); }
  bool empty() const { return list_.empty(); }

 private:
  std::vector<std::string> list_;
};

std::optional<std::string> scalar_text(const json& value) {
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  return std::nullopt;
}

std::string filled(std::string pattern, const std::string& id) {
  for (std::size_t at = 0; (at = pattern.find("{id}", at)) != std::string::npos; at += id.size()) {
    pattern.replace(at, 4, id);
  }
  return pattern;
}

/// Every numeric `id`, however deep.
void find_ids(const json& value, std::vector<std::string>& ids) {
  if (value.is_array()) {
    for (const json& one : value) find_ids(one, ids);
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      const bool digits =
          member.is_string() && !member.get_ref<const std::string&>().empty() &&
          member.get_ref<const std::string&>().find_first_not_of("0123456789") == std::string::npos;
      if (key == "id" && (member.is_number_integer() || digits)) {
        ids.push_back(*scalar_text(member));
      } else {
        find_ids(member, ids);
      }
    }
  }
}

/// What an expression finds in an item, one or a list.
result<std::vector<std::string>> texts_at(const json& item, const config::located_text& path,
                                          const char* key) {
  auto compiled = compile_expression(path, std::string("api.discover_categories.") + key);
  if (compiled.has_error()) return compiled.error();
  const auto found = compiled->compiled.search(item);
  if (found.has_error()) return found.error();
  std::vector<std::string> texts;
  const json list = found->is_array() ? *found : json::array({*found});
  for (const json& one : list) {
    if (auto text = scalar_text(one)) texts.push_back(std::move(*text));
  }
  return texts;
}

std::optional<std::string> query_value(const std::string& address, const std::string& name) {
  const auto read = parse_url(address);
  if (!read) return std::nullopt;
  const std::string query = '&' + read->query;
  const std::size_t at = query.find('&' + name + '=');
  if (at == std::string::npos) return std::nullopt;
  const std::size_t from = at + name.size() + 2;
  const std::string value = percent_decode(query.substr(from, query.find('&', from) - from));
  return value.empty() ? std::nullopt : std::optional(value);
}

std::optional<std::string> first_group(const std::string& address, const std::regex& wanted) {
  std::smatch match;
  if (address.size() > longest_link || !std::regex_search(address, match, wanted)) return std::nullopt;
  return match.size() > 1 ? match[1].str() : match[0].str();
}

/// `https://shop/us/en` of `https://shop/us/en/man-l1.html`: country and language, where the path begins so.
std::string root_of(const std::string& address) {
  static const std::regex locale(R"(^(https?://[^/]+(?:/[a-z]{2}(?=[/?]|$)){0,2}))");
  return first_group(address, locale).value_or(address);
}

result<std::optional<std::regex>> id_pattern(const config::category_discovery_html& discovery) {
  if (!discovery.extract_category_id_regex) return std::optional<std::regex>();
  const config::located_text& written = *discovery.extract_category_id_regex;
  try {
    return std::optional(std::regex(written.text, std::regex::ECMAScript));
  } catch (const std::regex_error& refused) {
    return error{errc::invalid_config, "cannot read api.discover_categories_html.extract_category_id_regex",
                 config::to_string(written.where), refused.what(), ""};
  }
}

std::optional<std::string> category_id(const std::string& link, const std::optional<std::regex>& pattern,
                                       const std::string& parameter) {
  static const std::regex usual(R"((?:-l|/category/)(\d+)(?:\.html|/|\?|$))");
  std::optional<std::string> id;
  if (pattern) id = first_group(link, *pattern);
  if (!id && !parameter.empty()) id = query_value(link, parameter);
  if (!id && !pattern && parameter.empty()) id = first_group(link, usual);
  return id;
}

error found_none(const std::string& on) {
  return error{errc::not_found, "cannot discover categories", on, "nothing in it names one", ""};
}

}  // namespace

result<std::vector<std::string>> discovered_endpoints(std::string_view body,
                                                      const config::category_discovery& discovery,
                                                      const std::string& url) {
  auto document = parse_json_document(body, url);
  if (document.has_error()) return document.error();
  std::vector<json> items;
  for (const config::located_text& path : discovery.items_path) {
    auto compiled = compile_expression(path, "api.discover_categories.items_path");
    if (compiled.has_error()) return compiled.error();
    const auto taken =
        compiled->compiled.visit_items(*document, [&](const json& item) { items.push_back(item); });
    if (taken.has_error()) return taken.error();
    if (!items.empty()) break;
  }
  if (discovery.items_path.empty()) items.push_back(std::move(*document));

  endpoint_list endpoints;
  for (const json& item : items) {
    if (discovery.url_path) {
      auto urls = texts_at(item, *discovery.url_path, "url_path");
      if (urls.has_error()) return urls.error();
      for (const std::string& one : *urls) endpoints.add(url, one);
    }
    std::vector<std::string> ids;
    if (discovery.id_path) {
      auto found = texts_at(item, *discovery.id_path, "id_path");
      if (found.has_error()) return found.error();
      ids = std::move(*found);
    } else if (!discovery.url_path) {
      find_ids(item, ids);
    }
    if (discovery.url_template.empty()) continue;
    for (const std::string& id : ids) endpoints.add(url, filled(discovery.url_template, percent_encode(id)));
  }
  if (endpoints.empty()) return found_none(url);
  return endpoints.take();
}

result<std::vector<std::string>> discovered_endpoints(std::string_view page, std::string_view content_type,
                                                      const config::category_discovery_html& discovery,
                                                      const std::string& url) {
  const auto pattern = id_pattern(discovery);
  if (pattern.has_error()) return pattern.error();
  const std::string& written = discovery.category_link_selector.text;
  const auto wanted = selector::compile(written.empty() ? "a[href]" : written);
  if (wanted.has_error()) return wanted.error();
  const std::string text = page_as_utf8(page, content_type);
  const auto document = html_document::parse(text, url);
  if (document.has_error()) return document.error();
  const auto links = wanted->select(document->root(), most_endpoints);
  if (links.has_error()) return links.error();

  const std::string base = base_of(*document, url);
  endpoint_list endpoints;
  for (const html_node& node : *links) {
    const std::string href =
        wanted->has_suffix() ? wanted->value_of(node, document->root()).value_or("") : link_of(node);
    if (href.empty() || href.find(discovery.link_href_filter) == std::string::npos) continue;
    const auto link = resolve_url(base, href);
    if (!link) continue;
    std::string endpoint = link->substr(0, link->find('#'));
    if (discovery.product_api_from_category) {
      const auto id = category_id(endpoint, *pattern, discovery.extract_category_query_param);
      if (!id) continue;
      endpoint = root_of(endpoint) + "/category/" + percent_encode(*id) + "/products";
    }
    endpoints.add(url, with_query(endpoint, "ajax", "true"));
  }
  if (endpoints.empty()) return found_none(url);
  return endpoints.take();
}

config::problems check_discovery(const config::api_source& api) {
  config::problems found;
  const auto add = [&](config::problems list) {
    std::move(list.begin(), list.end(), std::back_inserter(found));
  };
  if (api.discover_categories) {
    const config::category_discovery& discovery = *api.discover_categories;
    for (const config::located_text& path : discovery.items_path) {
      add(check_expression(path, "api.discover_categories.items_path"));
    }
    if (discovery.url_path) add(check_expression(*discovery.url_path, "api.discover_categories.url_path"));
    if (discovery.id_path) add(check_expression(*discovery.id_path, "api.discover_categories.id_path"));
    if (!discovery.url_path && discovery.url_template.find("{id}") == std::string::npos) {
      found.push_back({config::problem::level::error, discovery.endpoint.where,
                       "api.discover_categories: needs url_path, or url_template with {id}", ""});
    }
  }
  if (api.discover_categories_html) {
    const config::category_discovery_html& discovery = *api.discover_categories_html;
    if (const auto pattern = id_pattern(discovery); pattern.has_error()) {
      found.push_back({config::problem::level::error, discovery.extract_category_id_regex->where,
                       "api.discover_categories_html.extract_category_id_regex: " + pattern.error().why, ""});
    }
    const config::located_text& written = discovery.category_link_selector;
    selector_error detail;
    if (!written.text.empty() && !selector::compile(written.text, &detail)) {
      config::problem refused;
      refused.where = written.where;
      if (refused.where.column > 0) refused.where.column += static_cast<int>(detail.offset);
      refused.what = "api.discover_categories_html.category_link_selector: " + detail.message + "\n" +
                     detail.caret(written.text);
      found.push_back(std::move(refused));
    }
  }
  return found;
}

}  // namespace catwalk::scrape
