#include "config/mapping_reader.hpp"

#include <algorithm>

#include "config/nearest_key.hpp"
#include "config/yaml_value.hpp"

namespace catwalk::config {

mapping_reader& mapping_reader::on(std::string key, reader read) {
  keys_.emplace_back(std::move(key), std::move(read));
  return *this;
}

bool mapping_reader::read(const yaml_node& node) {
  if (node.type != yaml_node::kind::mapping) {
    refuse(found_, node.where,
           (path_.empty() ? "a site" : path_) + ": expected a mapping, " + description(node));
    return false;
  }
  for (const auto& entry : node.entries) {
    const auto known =
        std::find_if(keys_.begin(), keys_.end(), [&](const auto& k) { return k.first == entry.key; });
    if (known != keys_.end()) {
      const std::string name = path_.empty() ? entry.key : path_ + "." + entry.key;
      if (entry.value->type != yaml_node::kind::null) known->second(*entry.value, name);
      continue;
    }
    std::vector<std::string> names;
    for (const auto& one : keys_) names.push_back(one.first);
    refuse(found_, entry.where,
           "unknown key " + shown_key(entry.key) + (path_.empty() ? " in a site" : " in " + path_),
           suggestion(key_alone(entry.key), names));
  }
  return true;
}

}  // namespace catwalk::config
