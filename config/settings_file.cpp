#include "config/settings_file.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "config/nearest_key.hpp"
#include "config/setting.hpp"

namespace catwalk::config {
namespace {

/// The keys directly below `section` ("" for the root), each once.
std::vector<std::string> keys_below(const std::string& section) {
  const std::string prefix = section.empty() ? "" : section + ".";
  std::vector<std::string> keys;
  for (const auto& one : setting_table()) {
    const std::string& key = one.about.key;
    if (key.compare(0, prefix.size(), prefix) != 0) continue;
    const std::string name = key.substr(prefix.size(), key.find('.', prefix.size()) - prefix.size());
    if (std::find(keys.begin(), keys.end(), name) == keys.end()) keys.push_back(name);
  }
  return keys;
}

const setting* find_setting(const std::string& key) {
  for (const auto& one : setting_table()) {
    if (one.about.key == key) return &one;
  }
  return nullptr;
}

/// Where else a misplaced key belongs, as `user_agent` at the root belongs to `fetch`.
std::string elsewhere(const std::string& key) {
  for (const auto& one : setting_table()) {
    const auto dot = one.about.key.rfind('.');
    if (dot != std::string::npos && one.about.key.substr(dot + 1) == key) return one.about.key;
  }
  return {};
}

void report_unknown(const yaml_entry& entry, const std::string& section, reading& context) {
  const auto known = keys_below(section);
  const auto key = key_alone(entry.key);
  std::string hint = suggestion(key, known);
  if (nearest_key(key, known).empty()) {
    if (const std::string other = elsewhere(std::string(key)); !other.empty())
      hint = "did you mean '" + other + "'?";
  }
  refuse(context.found, entry.where,
         "unknown key " + shown_key(entry.key) + (section.empty() ? "" : " in " + section), std::move(hint));
}

/// Whether a secret may stand below a section: what stands in its place is not repeated then.
bool holds_secrets(const std::string& section) {
  return std::any_of(setting_table().begin(), setting_table().end(), [&](const setting& one) {
    return one.about.type == "secret" && one.about.key.rfind(section + ".", 0) == 0;
  });
}

void read_section(const yaml_node& node, const std::string& section, settings& values, reading& context) {
  if (node.type == yaml_node::kind::null) return;
  if (node.type != yaml_node::kind::mapping) {
    refuse(context.found, node.where,
           (section.empty() ? "" : section + ": ") + std::string("expected a mapping, ") +
               (node.type == yaml_node::kind::scalar && holds_secrets(section) ? "found a text"
                                                                               : description(node)));
    return;
  }
  const auto known = keys_below(section);
  for (const auto& entry : node.entries) {
    const std::string key = section.empty() ? entry.key : section + "." + entry.key;
    // A dot in a written key must not reach into another section.
    if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
      report_unknown(entry, section, context);
    } else if (const setting* one = find_setting(key)) {
      if (entry.value->type == yaml_node::kind::null) continue;
      context.given[key] = entry.value->where;
      one->apply(values, *entry.value, context);
    } else {
      read_section(*entry.value, key, values, context);
    }
  }
}

/// Whether this is a stanza of a sites file that lacks its dash: it says what to read, and sets nothing.
bool is_one_site(const yaml_node& root) {
  const auto settings = keys_below("");
  const bool sets_something = std::any_of(root.entries.begin(), root.entries.end(), [&](const auto& entry) {
    return std::find(settings.begin(), settings.end(), entry.key) != settings.end();
  });
  const std::array keys{"brand", "merchant", "api", "html", "shopify", "sitemap", "feed"};
  return !sets_something &&
         std::any_of(keys.begin(), keys.end(), [&](const char* key) { return root.find(key) != nullptr; });
}

}  // namespace

void read_settings_file(const yaml_node& root, settings& values, reading& context) {
  if (is_one_site(root)) {
    const auto& first = root.entries.front();
    refuse(context.found, first.where, "this is a site, not a configuration",
           "begin it with a dash (`- " + std::string(key_alone(first.key)) +
               ": …`) for a sites file, which --config takes too, or catwalk.yaml names under `sites:`");
    return;
  }
  read_section(root, "", values, context);
}

}  // namespace catwalk::config
