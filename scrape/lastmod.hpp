#pragma once
#include <chrono>
#include <optional>
#include <string_view>

#include "core/clock.hpp"

namespace catwalk::scrape {

/// Shops forget to say that a price has changed: a page is read again after so long, whatever its sitemap
/// says.
inline constexpr auto longest_trust_in_lastmod = std::chrono::hours(24 * 7);

/// The latest moment that a sitemap's `lastmod` can mean: the end of the day where it is a date, in the time
/// zone where that day ends last. Format: the subset of ISO 8601 that sitemaps.org names (W3C Datetime), from
/// a day on. nullopt where it is something else.
std::optional<wall_time> latest_change(std::string_view lastmod);

/// Whether a page that was read whole at `read` is as it was then, by its sitemap.
bool unchanged_since(std::string_view lastmod, wall_time read, wall_time now);

}  // namespace catwalk::scrape
