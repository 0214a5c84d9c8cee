#include "storage/sync_guard.hpp"

#include <algorithm>
#include <cmath>

namespace catwalk::storage {

std::int64_t sync_guard::most(const scope& s) const noexcept {
  const auto rows = std::max<std::int64_t>(s.rows, settings_.min_rows);
  return static_cast<std::int64_t>(std::floor(settings_.max_delete_fraction * static_cast<double>(rows)));
}

sync_guard::decision sync_guard::decide(const std::vector<scope>& scopes) const {
  decision d;
  for (const auto& s : scopes) d.gone += s.gone;
  const bool by_a_person = allowed_ && *allowed_ == d.gone;
  for (const auto& s : scopes) {
    const bool permitted = by_a_person || s.gone <= most(s);
    d.permitted.push_back(permitted);
    if (!permitted) d.held_back += s.gone;
  }
  return d;
}

}  // namespace catwalk::storage
