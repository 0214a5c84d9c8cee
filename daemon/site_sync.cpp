#include "daemon/site_sync.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

bool may_sync(const site_report& report) {
  return report.read_to_end && !report.limited;
}

storage::site_listing listing_of(const site_report& report, storage::run_id run) {
  return {run, site_name(report.site), report.listings};
}

/// A site's name as a shell takes it for one word.
std::string shell_word(const std::string& name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (plain) return name;
  std::string quoted = "'";
  for (const char c : name) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

storage::sync_request sync_request_of(const config::sync_settings& settings, bool wanted,
                                      std::optional<std::int64_t> allow_deletes, bool to_sink) {
  using kind = storage::sync_request::kind;
  storage::sync_request request;
  if (wanted) request.action = settings.action == "mark" ? kind::mark : kind::remove;
  request.guard = {settings.max_delete_fraction, settings.min_rows, settings.after_missed_runs};
  request.allow_deletes = allow_deletes;
  request.to_sink = to_sink;
  return request;
}

asio::awaitable<void> sync_site(storage::catalogue& catalogue, storage::run_id run,
                                const storage::sync_request& request, site_report& report) {
  if (!may_sync(report)) co_return;
  auto read = listing_of(report, run);
  auto synced = co_await catalogue.sync(std::move(read), request);
  if (!synced) {
    report.errors.push_back(synced.error().to_string());
    spdlog::error("{}: {}", report.site, synced.error().to_string());
    co_return;
  }
  report.sync = std::move(*synced);
  if (report.sync.gone > 0) spdlog::info("{}: {} products are gone", report.site, report.sync.gone);
}

asio::awaitable<void> preview_sync(storage::catalogue& catalogue, const storage::sync_request& request,
                                   site_report& report, dry_run_findings& findings) {
  if (!may_sync(report)) co_return;
  std::vector<product_id> seen = findings.also_seen;
  for (const auto& p : findings.products) seen.push_back(p.id);
  auto read = listing_of(report, 0);
  auto preview = co_await catalogue.preview_sync(std::move(read), std::move(seen), request);
  if (!preview) {
    report.errors.push_back(preview.error().to_string());
    co_return;
  }
  report.sync = std::move(preview->outcome);
  std::move(preview->gone.begin(), preview->gone.end(), std::back_inserter(findings.gone));
}

std::string sync_alarm(const site_report& report) {
  if (report.sync.held_back == 0) return {};
  std::string scopes;
  for (const auto& held : report.sync.held)
    scopes += fmt::format("{}{} of {} rows{}{} are gone, sync.max_delete_fraction permits {}",
                          scopes.empty() ? "" : "; ", held.gone, held.rows,
                          held.country.empty() ? "" : " of country ", held.country, held.most);
  return fmt::format(
      "{}: none of these was deleted; if it is right: catwalk scrape {} --sync --allow-deletes {}", scopes,
      shell_word(report.site), report.sync.gone_in_all);
}

}  // namespace catwalk::daemon
