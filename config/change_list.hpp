#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace catwalk::config {

/// A value as others may see it: an address without what logs in.
using shown_value = std::function<std::string(std::string_view)>;

/// What differs between two configurations, one line each, as a log may show it: `fetch.pages.delay: 1s ->
/// 2s`, `sink.key: changed` (no secret is shown), `site Zara: changed`. Empty where nothing does.
std::vector<std::string> changes(const loaded& before, const loaded& after, const shown_value& shown);

}  // namespace catwalk::config
