#include "config/source_values.hpp"

#include <algorithm>

#include "config/header_name.hpp"
#include "config/letter_case.hpp"
#include "config/nearest_key.hpp"
#include "config/yaml_value.hpp"

namespace catwalk::config {
namespace {

bool is_web_address(std::string_view text) {
  const std::string start = lower_case(text.substr(0, 8));
  return (start.rfind("http://", 0) == 0 && text.size() > 7) || (start == "https://" && text.size() > 8);
}

}  // namespace

mapping_reader::reader addresses(std::vector<located_text>& to, problems& found) {
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

void check_field_name(const yaml_entry& entry, const std::string& name, problems& found) {
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

field_expressions read_field_map(const yaml_node& node, const std::string& name, problems& found) {
  field_expressions fields;
  if (node.type != yaml_node::kind::mapping) {
    refuse(found, node.where, name + ": expected a mapping, " + description(node));
    return fields;
  }
  for (const auto& entry : node.entries) {
    check_field_name(entry, name, found);
    expressions read;
    expression_list(read, found)(*entry.value, name + "." + entry.key);
    fields.emplace_back(entry.key, std::move(read));
  }
  return fields;
}

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

}  // namespace catwalk::config
