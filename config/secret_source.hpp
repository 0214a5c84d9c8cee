#pragma once
#include <optional>
#include <string_view>

#include "config/reading.hpp"
#include "config/secret.hpp"
#include "config/yaml_document.hpp"

namespace catwalk::config {

/// Reads a secret: a text, `{ credential: NAME }` ($CREDENTIALS_DIRECTORY/NAME), `{ file: PATH }` or `{ env:
/// NAME }`. Line breaks at its end are dropped. One that cannot be had is noted in `missing_secrets` and
/// stays unset; whoever needs it makes that an error. No value ever enters a problem.
std::optional<secret> read_secret(const yaml_node& node, std::string_view name, reading& context);

}  // namespace catwalk::config
