#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"

namespace catwalk::config {

struct yaml_node;
using yaml_ptr = std::shared_ptr<const yaml_node>;

/// One key of a mapping with its value; `where` is the key's place.
struct yaml_entry {
  std::string key;
  place where;
  yaml_ptr value;  ///< never null
};

/// A YAML value with its place. Scalars keep the text that was written, so that `country: no` stays "no".
struct yaml_node {
  enum class kind { null, scalar, sequence, mapping };
  kind type = kind::null;
  std::string text;  ///< of a scalar
  place where;
  std::vector<yaml_ptr> items;      ///< of a sequence
  std::vector<yaml_entry> entries;  ///< of a mapping, in the order of the file, each key once
  std::size_t weight = 1;           ///< nodes below and including this one, aliases counted in full
  int height = 1;                   ///< levels below and including this one

  const yaml_node* find(std::string_view key) const noexcept;
};

/// A scalar that stands in no YAML file (an environment variable, a flag).
yaml_node scalar_node(std::string text, place where);

struct yaml_document {
  yaml_ptr root;  ///< never null; a null node for an empty file and where nothing could be read
  problems found;
};

/// Parses one document (UTF-8 with or without byte order mark, or UTF-16) over yaml-cpp's event interface,
/// which alone shows what its `Node` hides. Errors: syntax, duplicate keys, `<<`, keys that are no text,
/// application tags, a second document, recursive aliases, more than 200,000 nodes (aliases counted in full),
/// 64 levels, 8 MB.
yaml_document parse_yaml(std::string_view raw, const std::string& file_name);

}  // namespace catwalk::config
