#include "daemon/run_report.hpp"

#include <algorithm>
#include <numeric>

namespace catwalk::daemon {

int run_report::sum(int site_report::*member) const {
  return std::accumulate(sites.begin(), sites.end(), 0,
                         [member](int total, const site_report& s) { return total + s.*member; });
}

int run_report::products() const {
  return sum(&site_report::products);
}

int run_report::skipped() const {
  int total = 0;
  for (const auto& s : sites)
    for (const auto& [reason, n] : s.skipped) total += n;
  return total;
}

bool run_report::complete() const {
  const bool sites_complete = std::all_of(sites.begin(), sites.end(), [](const site_report& s) {
    return s.errors.empty() && (s.limited || s.endpoints_complete == s.endpoints);
  });
  const bool rows_complete = rows_dead == 0 && (rows_waiting == 0 || !waits_for_sink);
  return sites_complete && images_failed == 0 && rows_complete && !interrupted && !timed_out && !cancelled;
}

namespace {

double seconds_of(std::chrono::milliseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

}  // namespace

nlohmann::json to_json(const site_report& r) {
  return {{"site", r.site},
          {"pages", r.pages},
          {"pages_unchanged", r.pages_unchanged},
          {"products", r.products},
          {"added", r.added},
          {"changed", r.changed},
          {"unchanged", r.unchanged},
          {"reappeared", r.reappeared},
          {"skipped", r.skipped},
          {"examples", r.examples},
          {"endpoints", r.endpoints},
          {"endpoints_complete", r.endpoints_complete},
          {"limited", r.limited},
          {"gone", r.sync.gone},
          {"missed", r.sync.missed},
          {"held_back", r.sync.held_back},
          {"blocked", r.blocked.empty() ? nlohmann::json() : nlohmann::json(r.blocked)},
          {"seconds", seconds_of(r.took)},
          {"errors", r.errors}};
}

nlohmann::json to_json(const run_report& r) {
  auto sites = nlohmann::json::array();
  for (const auto& s : r.sites) sites.push_back(to_json(s));
  return {{"run", r.run},
          {"sites", std::move(sites)},
          {"images_embedded", r.images_embedded},
          {"images_failed", r.images_failed},
          {"rows_sent", r.rows_sent},
          {"rows_dead", r.rows_dead},
          {"rows_waiting", r.rows_waiting},
          {"pages_seconds", seconds_of(r.pages_took)},
          {"sync_seconds", seconds_of(r.sync_took)},
          {"images_seconds", seconds_of(r.images_took)},
          {"sink_seconds", seconds_of(r.sink_took)},
          {"seconds", seconds_of(r.took)},
          {"interrupted", r.interrupted},
          {"timed_out", r.timed_out},
          {"cancelled", r.cancelled}};
}

}  // namespace catwalk::daemon
