#include "scrape/field_map.hpp"

#include <algorithm>

#include "scrape/list_limit.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

bool is_null_expression(const config::located_text& expression) {
  return trimmed(expression.text).empty();
}

/// Appends the texts in `value`, however deep in lists, leaving out what is there already.
void add_texts(const json& value, json& list) {
  if (value.is_array()) {
    for (const json& entry : value) add_texts(entry, list);
  } else if (value.is_string()) {
    const std::string text(trimmed(value.get_ref<const std::string&>()));
    if (text.empty() || list.size() >= most_listed) return;
    if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
  }
}

}  // namespace

result<located_expression> compile_expression(const config::located_text& expression,
                                              const std::string& key) {
  auto compiled = jmespath::compile(expression.text);
  if (compiled.has_value()) return located_expression{std::move(*compiled), expression.where};
  error failure = compiled.error();
  failure.code = errc::invalid_config;
  failure.what = "cannot read " + key;
  failure.on = config::to_string(expression.where);
  failure.why = compiled.error().to_string();
  return failure;
}

config::problems check_expression(const config::located_text& expression, const std::string& key) {
  jmespath_error detail;
  const auto compiled = jmespath::compile(expression.text, &detail);
  if (compiled.has_value()) return {};
  config::problem found;
  found.where = expression.where;
  // Quotes and escapes of the YAML text are not known here: the column is exact for a plain scalar on one
  // line.
  if (found.where.column > 0) found.where.column += static_cast<int>(detail.offset);
  found.what = key + ": " + std::string(name_of(detail.kind)) + " at character " +
               std::to_string(detail.offset + 1) + " of the JMESPath expression `" + expression.text +
               "`: " + detail.message;
  return {found};
}

result<field_map> field_map::compile(const config::field_expressions& fields, const std::string& key) {
  field_map map;
  map.key_ = key;
  for (const auto& [field, expressions] : fields) {
    std::vector<located_expression> compiled;
    for (const config::located_text& expression : expressions) {
      if (is_null_expression(expression)) continue;
      auto one = compile_expression(expression, std::string(key).append(1, '.').append(field));
      if (one.has_error()) return one.error();
      compiled.push_back(std::move(*one));
    }
    map.fields_.emplace_back(field, std::move(compiled));
  }
  return map;
}

json field_map::read(const json& item, std::vector<std::string>& failures) const {
  json values = json::object();
  for (const auto& [field, expressions] : fields_) {
    const bool merge = field == "_xmedia_urls";
    const bool all = merge || field == "image_url";
    json& value = values[field];
    if (all) value = json::array();
    for (const located_expression& expression : expressions) {
      auto found = expression.compiled.search(item);
      if (found.has_error()) {
        failures.push_back(key_ + "." + field + " (" + config::to_string(expression.where) +
                           "): " + found.error().to_string());
        continue;
      }
      if (all) {
        add_texts(*found, value);
      } else if (!found->is_null()) {
        value = std::move(*found);
        break;
      }
    }
  }
  return values;
}

void field_map::overlay(const json& item, json& fields, std::vector<std::string>& failures) const {
  if (fields_.empty()) return;
  const json found = read(item, failures);
  for (const auto& [field, value] : found.items()) {
    if (!value.is_null() && !(value.is_array() && value.empty())) fields[field] = value;
  }
}

void field_map::reach(const json_places& items) const {
  for (const auto& [field, expressions] : fields_) {
    for (const located_expression& expression : expressions) take_whole(expression.compiled.reach(items));
  }
}

bool field_map::has(std::string_view field) const noexcept {
  return std::any_of(fields_.begin(), fields_.end(), [&](const auto& f) { return f.first == field; });
}

}  // namespace catwalk::scrape
