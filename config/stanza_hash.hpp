#pragma once
#include <string>

#include "config/yaml_document.hpp"

namespace catwalk::config {

/// Lower-case hex SHA-256 of a value in canonical form: keys sorted by bytes, every text with its length
/// before it. Order of keys, comments, quotes, aliases and white space do not change it.
std::string stanza_hash(const yaml_node& node);

}  // namespace catwalk::config
