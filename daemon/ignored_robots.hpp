#pragma once
#include <vector>

#include "config/site.hpp"

namespace catwalk::daemon {

/// A warning for each site with `respect_robots: false`, at its place.
config::problems check_robots(const std::vector<config::site>& sites);

/// Logs the same of such a site when a run of it starts, and nothing of others.
void warn_of_ignored_robots(const config::site& site);

}  // namespace catwalk::daemon
