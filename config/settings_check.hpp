#pragma once
#include <vector>

#include "config/reading.hpp"
#include "config/settings.hpp"
#include "config/site.hpp"

namespace catwalk::config {

/// What no single key can tell: values that contradict each other, addresses of the wrong form, secrets that
/// are needed and missing, jobs for sites that do not exist.
void check_settings(const settings& values, const std::vector<site>& sites, reading& context);

}  // namespace catwalk::config
