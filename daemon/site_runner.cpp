#include "daemon/site_runner.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "config/letter_case.hpp"
#include "core/heap.hpp"
#include "core/json_text.hpp"
#include "core/log_scope.hpp"
#include "core/offload.hpp"
#include "daemon/ignored_robots.hpp"
#include "daemon/site_sync.hpp"
#include "storage/layout.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

std::chrono::milliseconds since(steady_time began) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - began);
}

storage::run_state state_of(const run_report& report) {
  if (report.interrupted) return storage::run_state::interrupted;
  if (report.cancelled) return storage::run_state::cancelled;
  return report.complete() ? storage::run_state::done : storage::run_state::partly;
}

/// How the sites of a run came through; a site that broke off has no listings.
std::vector<storage::site_listing> listings_of(const run_report& report) {
  std::vector<storage::site_listing> all;
  for (const auto& site : report.sites) all.push_back({report.run, site_name(site.site), site.listings});
  return all;
}

std::string errors_of(const run_report& report) {
  auto errors = nlohmann::json::array();
  for (const auto& site : report.sites)
    for (const auto& text : site.errors) errors.push_back(site.site + ": " + text);
  return json_text(errors);
}

}  // namespace

/// Lists a run as under way for as long as it lives.
class site_runner::registration {
 public:
  registration(site_runner& of, work& run) : of_(of), run_(run) {
    of_.active_.push_back(&run_);
    if (of_.stopping_) run_.sites.cancel();
  }
  ~registration() { std::erase(of_.active_, &run_); }
  registration(const registration&) = delete;
  registration& operator=(const registration&) = delete;

 private:
  site_runner& of_;
  work& run_;
};

site_runner::site_runner(asio::any_io_executor loop, parts p)
    : loop_(std::move(loop)), parts_(std::move(p)) {}

void site_runner::notify_stages() {
  pipeline_->images.notify();
  if (pipeline_->texts) pipeline_->texts->notify();
}

void site_runner::attach(pipeline to) {
  pipeline_.emplace(std::move(to));
}

result<site_runner::chosen_sites> site_runner::choose_sites(const std::vector<std::string>& names) const {
  const auto& sites = parts_.loaded.sites;
  if (sites.empty())
    return error{errc::invalid_config, "there is no site to read", parts_.loaded.sites_file.string(), "",
                 "write a sites.yaml and name it under `sites:` in catwalk.yaml"};
  chosen_sites chosen;
  if (names.empty() || (names.size() == 1 && config::lower_case(names.front()) == "all")) {
    for (const auto& site : sites) chosen.push_back(&site);
    return chosen;
  }
  for (const auto& name : names) {
    const auto found = std::find_if(sites.begin(), sites.end(), [&](const config::site& site) {
      return config::lower_case(site.name) == config::lower_case(name);
    });
    if (found == sites.end()) {
      std::string known;
      for (const auto& site : sites) known += (known.empty() ? "" : ", ") + site.name;
      const bool is_file = name.ends_with(".yaml") || name.ends_with(".yml");
      return error{errc::invalid_argument, "unknown site", name, "",
                   "the sites file has: " + known +
                       (is_file ? "; sites are named here, a file of them is named with --config" : "")};
    }
    if (std::find(chosen.begin(), chosen.end(), &*found) == chosen.end()) chosen.push_back(&*found);
  }
  return chosen;
}

result<void> site_runner::check_sites(const std::vector<std::string>& names) const {
  auto chosen = choose_sites(names);
  if (!chosen) return chosen.error();
  return {};
}

std::unique_ptr<scrape::page_renderer> site_runner::browser_for(const config::site& site) {
  return scrape::uses_browser(site) ? parts_.browser.open(site) : nullptr;
}

scrape::source_context site_runner::context_for(const config::site& site, scrape::page_renderer* browser) {
  // The one layout that stores what the shop sent; where the sink has not said what it is, it may be that.
  const auto shape = pipeline_ && pipeline_->shape ? pipeline_->shape() : nullptr;
  const bool raw_items = !shape || shape->name() == "2025-10";
  return {site, parts_.loaded.values.fetch, parts_.pages, parts_.cpu, make_cookie_jar(), raw_items, browser};
}

asio::awaitable<void> site_runner::commit_site(const config::site& site, storage::run_id run,
                                               read_options read, site_report& report) {
  const auto on_committed = [this] {
    notify_stages();
    if (pipeline_->writer) pipeline_->writer->notify();
  };
  committing_page_sink to(
      {loop_, *parts_.catalogue, parts_.intake, parts_.metrics, pipeline_->writer != nullptr,
       pipeline_->fingerprint, on_committed, pipeline_->shape, parts_.loaded.values.fetch.images_revalidate},
      site, run, read, report);
  auto browser = browser_for(site);
  auto context = context_for(site, browser.get());
  const auto began = steady_now();
  co_await read_site(context, to, report);
  browser.reset();
  report.took = since(began);
  report.ended = true;
  if (!report.blocked.empty())
    blocked_.try_emplace(site.name, blocked_site{wall_now(), ""}).first->second.seen = report.blocked;
  else if (report.pages > 0)
    blocked_.erase(site.name);
  tell_site(site.name);
  if (!report.errors.empty() || report.limited || report.endpoints_complete < report.endpoints) co_return;
  const auto now = wall_now();
  if (auto noted = co_await parts_.catalogue->note_site_success(site_name(site.name), now); !noted)
    spdlog::error("{}", noted.error().to_string());
  parts_.metrics.site_last_success(site.name).Set(static_cast<double>(to_millis(now)) / 1000);
}

asio::awaitable<void> site_runner::compare_site(const config::site& site, read_options read,
                                                site_report& report, dry_run_findings& findings) {
  const auto& sink = parts_.loaded.values.sink;
  comparing_page_sink to(parts_.catalogue, {sink.layout, sink.columns, sink.on_conflict}, read, report,
                         findings);
  const auto browser = browser_for(site);
  auto context = context_for(site, browser.get());
  co_await read_site(context, to, report);
}

asio::awaitable<void> site_runner::carry_out(work& run, const run_request& request,
                                             const chosen_sites& chosen) {
  auto& report = run.report;
  report.waits_for_sink = request.sink_wait.count() > 0;
  const auto began = steady_now();
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    auto& site = report.sites[i];
    warn_of_ignored_robots(*chosen[i]);
    auto reading = commit_site(*chosen[i], report.run, request.read, site);
    run.sites.spawn("site " + site.site, in_log_scope({report.run, site.site}, std::move(reading)));
  }
  co_await run.sites.join();
  report.pages_took = since(began);
  if (stopping_ || report.cancelled) co_return;
  run.view.stage = run_stage::sync;
  const auto read = steady_now();
  auto settling = parts_.catalogue->settle_run(report.run, listings_of(report));
  if (auto settled = co_await std::move(settling); !settled) spdlog::error("{}", settled.error().to_string());
  co_await sync_sites(request, report);
  report.sync_took = since(read);
  notify_stages();
  run.rest.spawn("rest of run", wait_for_rest(run, request.sink_wait));
  co_await run.rest.join();
}

asio::awaitable<void> site_runner::sync_sites(const run_request& request, run_report& report) {
  const auto wanted = sync_request_of(parts_.loaded.values.sync, request.sync, request.allow_deletes,
                                      pipeline_->writer != nullptr);
  for (auto& site : report.sites) {
    auto syncing = in_log_scope(log_scope{report.run, site.site},
                                sync_site(*parts_.catalogue, report.run, wanted, site));
    co_await std::move(syncing);
    if (!request.sync) continue;
    if (const auto alarm = sync_alarm(site); !alarm.empty()) {
      site.errors.push_back(alarm);
      const log_scope_guard of_the_site(log_scope{report.run, site.site});
      spdlog::error("{}: {}", site.site, alarm);
      sync_alarms_[site.site] = alarm;
    } else if (site.read_to_end && !site.limited) {
      sync_alarms_.erase(site.site);
    }
  }
  if (pipeline_->writer) pipeline_->writer->notify();
}

asio::awaitable<void> site_runner::count_rows(const storage::writer_status& before, run_report& report) {
  if (!pipeline_->writer) co_return;
  const auto now = pipeline_->writer->status();
  report.rows_sent = static_cast<std::uint64_t>(now.sent - before.sent);
  report.rows_dead = static_cast<std::uint64_t>(now.dead - before.dead);
  std::vector<site_name> sites;
  for (const auto& site : report.sites) sites.emplace_back(site.site);
  const auto waiting = co_await pipeline_->writer->waiting_of(std::move(sites));
  report.rows_waiting = waiting ? *waiting : now.waiting;
}

asio::awaitable<void> site_runner::wait_for_rest(work& run, std::chrono::milliseconds sink_wait) {
  run.view.stage = run_stage::images;
  const auto began = steady_now();
  co_await pipeline_->images.wait_until_idle();
  if (pipeline_->texts) co_await pipeline_->texts->wait_until_idle();
  run.report.images_took = since(began);
  if (stopping_ || !pipeline_->writer) co_return;
  run.view.stage = run_stage::sink;
  const auto embedded = steady_now();
  co_await pipeline_->writer->wait_until_idle(sink_wait);
  run.report.sink_took = since(embedded);
}

asio::awaitable<void> site_runner::time_out(std::chrono::milliseconds after, work& run) {
  auto& report = run.report;
  asio::steady_timer timer(loop_, after);
  co_await timer.async_wait(asio::use_awaitable);
  report.timed_out = true;
  spdlog::error("the run has reached its time limit of {} s: what was read is kept, the rest is for the next",
                std::chrono::duration_cast<std::chrono::seconds>(after).count());
  for (auto& site : report.sites)
    if (site.endpoints == 0) site.errors.push_back("ended by the job's time limit");
  run.sites.cancel();
  run.rest.cancel();
}

void site_runner::tell_site(const std::string& site) {
  if (observer_) observer_->site_changed(site);
}

asio::awaitable<result<run_report>> site_runner::run(run_request request) {
  const auto chosen = choose_sites(request.sites);
  if (!chosen) co_return chosen.error();
  const auto id = co_await parts_.catalogue->begin_run(request.job, request.slot);
  if (!id) co_return id.error();
  if (!request.slot) {
    // Someone asks for it now: images whose next try is hours away are not put off.
    if (auto retried = co_await parts_.catalogue->retry_images_now(); !retried) co_return retried.error();
  }

  auto rest = in_log_scope(log_scope{*id, ""}, run_begun(*id, std::move(request), *chosen));
  co_return co_await std::move(rest);
}

asio::awaitable<result<run_report>> site_runner::run_begun(storage::run_id id, run_request request,
                                                           chosen_sites chosen) {
  const auto here = co_await asio::this_coro::executor;
  work under_way(here);
  auto& report = under_way.report;
  report.run = id;
  for (const auto* site : chosen) report.sites.emplace_back().site = site->name;
  auto& view = under_way.view;
  view = {request.job, wall_now(), steady_now(), run_stage::pages, false, &report, pipeline_->images.counts(),
          {}};
  if (pipeline_->writer) view.rows_before = pipeline_->writer->status();
  spdlog::info("{}: reads {} site(s)", request.job, chosen.size());

  const registration listed(*this, under_way);
  if (request.on_begun) request.on_begun(id);
  if (observer_) observer_->run_started(view);
  for (const auto& site : report.sites) tell_site(site.site);
  task_group timeout(here);
  if (request.timeout) timeout.spawn("run timeout", time_out(*request.timeout, under_way));
  co_await carry_out(under_way, request, chosen);
  timeout.cancel();
  co_await timeout.join();

  report.interrupted = stopping_ && !report.cancelled;
  report.images_embedded = pipeline_->images.counts().embedded - view.images_before.embedded;
  report.images_failed = pipeline_->images.counts().failed - view.images_before.failed;
  co_await count_rows(view.rows_before, report);
  report.took = since(view.began);
  parts_.metrics.run_duration().Observe(static_cast<double>(report.took.count()) / 1000);
  auto ended =
      co_await parts_.catalogue->end_run(id, state_of(report), json_text(to_json(report)), errors_of(report));
  if (observer_) observer_->run_ended(id);
  if (!ended) co_return ended.error();
  spdlog::info("ended: {} products ({} new, {} changed), {} images embedded, {} failed, {} rows sent",
               report.products(), report.sum(&site_report::added), report.sum(&site_report::changed),
               report.images_embedded, report.images_failed, report.rows_sent);
  auto give_back = offload(parts_.cpu, [] {
    give_back_freed_memory();
    return true;
  });
  co_await std::move(give_back);
  co_return report;
}

asio::awaitable<result<run_report>> site_runner::dry_run(run_request request, dry_run_findings& findings) {
  const auto chosen = choose_sites(request.sites);
  if (!chosen) co_return chosen.error();
  const auto began = steady_now();
  work under_way(loop_);
  auto& report = under_way.report;
  report.sites.resize(chosen->size());
  const registration listed(*this, under_way);
  for (std::size_t i = 0; i < chosen->size(); ++i) {
    report.sites[i].site = (*chosen)[i]->name;
    warn_of_ignored_robots(*(*chosen)[i]);
    under_way.sites.spawn("site " + report.sites[i].site,
                          compare_site(*(*chosen)[i], request.read, report.sites[i], findings));
  }
  co_await under_way.sites.join();
  const auto wanted = sync_request_of(parts_.loaded.values.sync, true, request.allow_deletes, false);
  if (parts_.catalogue != nullptr)
    for (auto& site : report.sites) co_await preview_sync(*parts_.catalogue, wanted, site, findings);
  report.interrupted = stopping_;
  report.took = report.pages_took = since(began);
  co_return report;
}

void site_runner::request_stop() {
  stopping_ = true;
  for (auto* run : active_) run->sites.cancel();
}

bool site_runner::cancel(storage::run_id run) {
  const auto found =
      std::find_if(active_.begin(), active_.end(), [run](const work* w) { return w->report.run == run; });
  if (found == active_.end()) return false;
  auto& ending = **found;
  if (std::exchange(ending.view.cancelling, true)) return true;
  const log_scope_guard of_the_run(log_scope{run, ""});
  spdlog::warn("cancelled: what was read is kept, the rest is for the next");
  ending.report.cancelled = true;
  for (auto& site : ending.report.sites)
    if (!site.ended) site.errors.push_back("cancelled before its pages were read");
  ending.sites.cancel();
  ending.rest.cancel();
  return true;
}

std::vector<run_under_way> site_runner::under_way() const {
  std::vector<run_under_way> views;
  for (const auto* run : active_)
    if (run->report.run != 0) views.push_back(run->view);
  return views;
}

std::optional<storage::run_id> site_runner::reader_of(const std::string& site) const {
  for (const auto* run : active_)
    for (const auto& one : run->report.sites)
      if (run->report.run != 0 && one.site == site && !one.ended) return run->report.run;
  return std::nullopt;
}

std::optional<storage::run_id> site_runner::run_of(const std::string& site) const {
  for (auto run = active_.rbegin(); run != active_.rend(); ++run)
    for (const auto& one : (*run)->report.sites)
      if ((*run)->report.run != 0 && one.site == site) return (*run)->report.run;
  return std::nullopt;
}

std::string_view name_of(run_stage stage) noexcept {
  constexpr std::string_view names[] = {"pages", "sync", "images", "sink"};
  return names[static_cast<std::size_t>(stage)];
}

}  // namespace catwalk::daemon
