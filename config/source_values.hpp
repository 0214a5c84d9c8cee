#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/mapping_reader.hpp"
#include "config/site.hpp"
#include "config/yaml_document.hpp"

namespace catwalk::config {

// What the sources of a site are made of: each gives a mapping_reader's handler for one key.

/// Addresses, one or a list, added to `to`: `endpoint` and `endpoints` may both be given.
mapping_reader::reader addresses(std::vector<located_text>& to, problems& found);
/// Expressions, one or a list; empty ones are dropped.
mapping_reader::reader expression_list(expressions& to, problems& found);
mapping_reader::reader located(std::optional<located_text>& to, problems& found);
mapping_reader::reader text(std::string& to, problems& found);
mapping_reader::reader flag(bool& to, problems& found);
mapping_reader::reader pairs(header_list& to, problems& found);
mapping_reader::reader headers(header_list& to, problems& found);

/// Warns of a field whose name is almost a known one; others are the site's own.
void check_field_name(const yaml_entry& entry, const std::string& name, problems& found);
/// Fields with one expression or several.
field_expressions read_field_map(const yaml_node& node, const std::string& name, problems& found);
/// Reads a mapping of names to texts in the order of the file; a null value leaves the name out, a list
/// repeats it.
header_list read_pairs(const yaml_node& node, const std::string& name, problems& found);

}  // namespace catwalk::config
