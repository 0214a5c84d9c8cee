#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"
#include "config/yaml_document.hpp"

namespace catwalk::config {

/// Walks a mapping whose keys are known beforehand: `on` names each key with what reads its value, `read`
/// does it and reports every other key. A key without a value counts as absent.
class mapping_reader {
 public:
  /// `path` names the mapping in problems, as `api.fallback_html`; empty: a whole stanza.
  mapping_reader(std::string path, problems& found) : path_(std::move(path)), found_(found) {}

  using reader = std::function<void(const yaml_node& value, const std::string& name)>;
  mapping_reader& on(std::string key, reader read);

  /// false (with a problem) where `node` is no mapping.
  bool read(const yaml_node& node);

 private:
  std::string path_;
  problems& found_;
  std::vector<std::pair<std::string, reader>> keys_;
};

}  // namespace catwalk::config
