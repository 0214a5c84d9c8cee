#pragma once
#include "config/reading.hpp"
#include "config/settings.hpp"
#include "config/yaml_document.hpp"

namespace catwalk::config {

/// Fills `values` from the root of `catwalk.yaml`. Unknown keys and values that do not fit become problems;
/// keys without a value keep their defaults.
void read_settings_file(const yaml_node& root, settings& values, reading& context);

}  // namespace catwalk::config
