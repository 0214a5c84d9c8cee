#pragma once
#include <string>
#include <vector>

#include "config/load.hpp"

namespace catwalk::config {

/// What differs between two configurations, one line each, as a log may show it: `fetch.pages.delay: 1s ->
/// 2s`, `sink.key: changed` (no secret is shown), `site Zara: changed`. Empty where nothing does.
std::vector<std::string> changes(const loaded& before, const loaded& after);

}  // namespace catwalk::config
