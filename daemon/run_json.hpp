#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/run_under_way.hpp"
#include "storage/catalogue_browser.hpp"

namespace catwalk::daemon {

/// A run as it is told of: what the catalogue keeps of it, and of one that goes on what it has done so far.
struct told_run {
  storage::listed_run kept;
  nlohmann::json report;  ///< as to_json(run_report) makes it; an object, empty where there is none
};

/// Of the catalogue. `live`: the runs under way, whose report is taken instead of the kept one.
told_run told(storage::listed_run kept, const std::vector<run_under_way>& live);

/// The API's `Run`.
nlohmann::json run_json(const told_run& run, wall_time now);
/// `RunDetail`; `before`: the run that it is compared with.
nlohmann::json run_detail_json(const told_run& run, const std::optional<told_run>& before, wall_time now);
/// `SiteRun`: what the run did at one site; null where it did not read it.
nlohmann::json site_run_json(const storage::run_summary& run, const std::string& site);
/// `RunningRun`.
nlohmann::json running_run_json(const run_under_way& run, const image_counts& images,
                                std::int64_t images_pending, const storage::writer_status* rows,
                                steady_time now);

/// Errors that differ in addresses and numbers alone, together: `ErrorGroup`, most frequent first. Each text
/// may begin with "SITE: " for one of `sites`.
nlohmann::json error_groups(const std::vector<std::string>& errors, const std::vector<std::string>& sites);
/// The text with "…" for addresses, quoted texts, and numbers of more than three digits; a status stays.
std::string without_particulars(const std::string& text);

}  // namespace catwalk::daemon
