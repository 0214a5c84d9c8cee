#include "daemon/ignored_robots.hpp"

#include <spdlog/spdlog.h>

namespace catwalk::daemon {

namespace {

constexpr const char* words = "respect_robots is false: its robots.txt is not asked";

}  // namespace

config::problems check_robots(const std::vector<config::site>& sites) {
  config::problems found;
  for (const auto& site : sites) {
    if (site.respect_robots != false) continue;
    found.push_back({config::problem::level::warning, site.where, site.name + ": " + words,
                     "its owner should permit that"});
  }
  return found;
}

void warn_of_ignored_robots(const config::site& site) {
  if (site.respect_robots == false) spdlog::warn("{}: {}", site.name, words);
}

}  // namespace catwalk::daemon
