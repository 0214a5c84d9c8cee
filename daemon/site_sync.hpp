#pragma once
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "config/settings.hpp"
#include "daemon/run_report.hpp"
#include "daemon/site_run.hpp"
#include "storage/catalogue.hpp"

namespace catwalk::daemon {

/// What the settings ask of a sync. `wanted` false: what was missed is counted, and stays.
storage::sync_request sync_request_of(const config::sync_settings& settings, bool wanted,
                                      std::optional<std::int64_t> allow_deletes, bool to_sink);

/// Syncs a site that was just read; does nothing where its reading was limited or ended early.
boost::asio::awaitable<void> sync_site(storage::catalogue& catalogue, storage::run_id run,
                                       const storage::sync_request& request, site_report& report);

/// What sync_site would do after a dry run: adds to `findings.gone`.
boost::asio::awaitable<void> preview_sync(storage::catalogue& catalogue, const storage::sync_request& request,
                                          site_report& report, dry_run_findings& findings);

/// Why rows were held back, and the command that lets them go; empty where none were.
std::string sync_alarm(const site_report& report);

}  // namespace catwalk::daemon
