#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "core/metrics.hpp"
#include "core/task_group.hpp"
#include "daemon/image_stage.hpp"
#include "daemon/intake_gate.hpp"
#include "daemon/run_report.hpp"
#include "daemon/run_request.hpp"
#include "daemon/run_under_way.hpp"
#include "daemon/site_run.hpp"
#include "daemon/text_stage.hpp"
#include "scrape/browser.hpp"
#include "scrape/fetcher.hpp"
#include "storage/catalogue.hpp"
#include "storage/sink.hpp"

namespace catwalk::daemon {

/// Carries out runs: one coroutine per site reads its pages into the catalogue, then the run waits for its
/// images and rows. Several runs may be under way. Loop-only.
class site_runner {
 public:
  /// All outlive the runner.
  struct parts {
    const config::loaded& loaded;
    storage::catalogue* catalogue;  ///< nullptr: there is none yet, and dry runs alone are possible
    scrape::fetcher& pages;
    scrape::browser& browser;
    intake_gate& intake;
    catwalk::metrics& metrics;
    boost::asio::any_io_executor cpu;  ///< parsing and normalising run here
  };
  /// What a run feeds, beside the catalogue.
  struct pipeline {
    image_stage& images;
    text_stage* texts;               ///< nullptr: texts are not embedded
    storage::outbox_writer* writer;  ///< nullptr: no sink
    std::string fingerprint;         ///< of the model that vectors must come from
    /// How the sink forms rows; gives nullptr where there is no sink, or it is not known yet.
    std::function<std::shared_ptr<const storage::layout>()> shape;
  };

  site_runner(boost::asio::any_io_executor loop, parts p);

  /// The pipeline has been started: runs are possible from now on.
  void attach(pipeline to);

  /// `invalid_argument` for a name that no site has, `invalid_config` where there is no site at all.
  result<void> check_sites(const std::vector<std::string>& names) const;
  /// Reads the sites, waits for their images and for the sink. Errors end the run before its first page
  /// (unknown site, state failure); what goes wrong later is in the report. Needs the pipeline.
  boost::asio::awaitable<result<run_report>> run(run_request request);
  /// Reads the sites and compares; writes nothing.
  boost::asio::awaitable<result<run_report>> dry_run(run_request request, dry_run_findings& findings);

  /// Sites whose latest run the shop refused, by name; they wait for their next slot.
  struct blocked_site {
    wall_time since{};
    std::string seen;  ///< the block page or status, in words
  };
  const std::map<std::string, blocked_site>& blocked() const noexcept { return blocked_; }

  /// Cancels the sites of the runs that are under way and of those that are still started.
  void request_stop();
  /// Ends a run for a person: what was read is kept, the rest is for the next. False: it is not under way.
  bool cancel(storage::run_id run);
  /// The runs that go on, in the order of their start.
  std::vector<run_under_way> under_way() const;
  /// The run that is reading the site now.
  std::optional<storage::run_id> reader_of(const std::string& site) const;
  /// The latest run under way that the site is part of, its pages read or not.
  std::optional<storage::run_id> run_of(const std::string& site) const;
  /// Who is told; nullptr: nobody. It outlives the runs, or is taken back.
  void observe(run_observer* observer) noexcept { observer_ = observer; }
  /// Why a site's latest sync deleted nothing, by site; a sync that may go on takes it back.
  const std::map<std::string, std::string>& sync_alarms() const noexcept { return sync_alarms_; }
  /// Runs under way.
  std::size_t active() const noexcept { return active_.size(); }

 private:
  /// A run under way: the coroutines that read its sites, then the one that waits for images and rows.
  struct work {
    explicit work(const boost::asio::any_io_executor& loop) : sites(loop), rest(loop) {}
    run_report report;
    run_under_way view;
    task_group sites, rest;
  };
  class registration;

  using chosen_sites = std::vector<const config::site*>;
  result<chosen_sites> choose_sites(const std::vector<std::string>& names) const;
  /// `browser`: what renders the site's pages; nullptr: it wants none.
  scrape::source_context context_for(const config::site& site, scrape::page_renderer* browser);
  std::unique_ptr<scrape::page_renderer> browser_for(const config::site& site);
  boost::asio::awaitable<void> commit_site(const config::site& site, storage::run_id run, read_options read,
                                           site_report& report);
  boost::asio::awaitable<void> compare_site(const config::site& site, read_options read, site_report& report,
                                            dry_run_findings& findings);
  /// The rest of run(), within the run's log_scope.
  boost::asio::awaitable<result<run_report>> run_begun(storage::run_id id, run_request request,
                                                       chosen_sites chosen);
  boost::asio::awaitable<void> carry_out(work& run, const run_request& request, const chosen_sites& chosen);
  void notify_stages();
  boost::asio::awaitable<void> wait_for_rest(work& run, std::chrono::milliseconds sink_wait);
  boost::asio::awaitable<void> sync_sites(const run_request& request, run_report& report);
  boost::asio::awaitable<void> count_rows(const storage::writer_status& before, run_report& report);
  boost::asio::awaitable<void> time_out(std::chrono::milliseconds after, work& run);
  void tell_site(const std::string& site);

  boost::asio::any_io_executor loop_;
  parts parts_;
  std::optional<pipeline> pipeline_;
  bool stopping_ = false;
  std::map<std::string, std::string> sync_alarms_;
  std::vector<work*> active_;
  run_observer* observer_ = nullptr;
  std::map<std::string, blocked_site> blocked_;
};

}  // namespace catwalk::daemon
