#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <iostream>
#include <sstream>

#include "config/duration.hpp"
#include "core/json_text.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/progress.hpp"
#include "daemon/row_export.hpp"
#include "daemon/site_sync.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct scrape_options {
  std::vector<std::string> sites;
  std::string sites_flag;  ///< the predecessor's --sites A,B
  std::optional<int> limit;
  bool dry_run = false, sync = false, refresh = false, allow_untrained = false, explain = false, json = false;
  bool migrate = false;
  std::optional<std::int64_t> allow_deletes;
  std::string wait = "5m";
  std::string output;
};

std::vector<std::string> site_names(const scrape_options& o) {
  auto names = o.sites;
  std::istringstream list(o.sites_flag);
  for (std::string name; std::getline(list, name, ',');) {
    const auto from = name.find_first_not_of(' ');
    if (from == std::string::npos) continue;
    names.push_back(name.substr(from, name.find_last_not_of(' ') - from + 1));
  }
  return names;
}

void print_skipped(const site_report& site) {
  for (const auto& [reason, n] : site.skipped)
    std::cout << fmt::format("  skipped {:>5}  {} (for example {})\n", n, reason, site.examples.at(reason));
}

void print_summary(const run_report& r, bool dry_run) {
  for (const auto& s : r.sites) {
    std::cout << fmt::format("{}: {} products on {} page(s): {} new, {} changed, {} unchanged\n", s.site,
                             s.products, s.pages, s.added, s.changed, s.unchanged);
    if (s.sync.gone > 0)
      std::cout << fmt::format("  {} {}\n", s.sync.gone, dry_run ? "would be gone" : "are gone");
    if (s.sync.missed > 0)
      std::cout << fmt::format("  {} are listed no longer, and stay until sync.after_missed_runs\n",
                               s.sync.missed);
    if (dry_run)
      if (const auto alarm = sync_alarm(s); !alarm.empty()) std::cout << "  " << alarm << '\n';
    print_skipped(s);
    if (s.endpoints_complete < s.endpoints && !s.limited)
      std::cout << fmt::format("  {} of {} listings were read to their end\n", s.endpoints_complete,
                               s.endpoints);
    for (const auto& text : s.errors) std::cout << "  " << text << '\n';
  }
  if (!dry_run) {
    std::cout << fmt::format("images: {} embedded, {} failed\n", r.images_embedded, r.images_failed);
    std::cout << fmt::format("rows: {} sent, {} refused, {} waiting\n", r.rows_sent, r.rows_dead,
                             r.rows_waiting);
  }
  std::cout << fmt::format("took {:.1f} s (pages {:.1f} s)\n", static_cast<double>(r.took.count()) / 1000,
                           static_cast<double>(r.pages_took.count()) / 1000);
}

result<void> export_dry_run(const std::string& file, const std::string& layout,
                            const dry_run_findings& findings) {
  auto out = row_export::open(file, layout);
  if (!out) return out.error();
  for (const auto& item : findings.products)
    if (auto written = out->write(item, nullptr); !written) return written.error();
  return out->finish();
}

asio::awaitable<result<void>> export_run(application& app, const std::string& file, storage::run_id run) {
  auto out = row_export::open(file, app.layout());
  if (!out) co_return out.error();
  auto write = [&out](const storage::catalogue_entry& entry) {
    return out->write(entry.item, entry.vector ? &*entry.vector : nullptr);
  };
  std::function<result<void>(const storage::catalogue_entry&)> each = write;
  auto walked = co_await app.catalogue().for_each_of_run(run, std::move(each));
  if (!walked) co_return walked.error();
  co_return out->finish();
}

/// What is new, changed and gone: how many of each, and with `every` which.
void print_differences(const dry_run_findings& findings, bool every) {
  using kind = storage::comparison::kind;
  std::map<std::string, int> columns;
  for (const auto& c : findings.comparisons)
    for (const auto& field : c.changed_fields) ++columns[field];
  std::string list;
  for (const auto& [column, n] : columns) list += fmt::format("{}{} {}", list.empty() ? "" : ", ", column, n);
  if (!list.empty()) std::cout << "changed by column: " << list << '\n';
  if (!every) return;
  for (const auto& c : findings.comparisons) {
    if (c.what == kind::unchanged) continue;
    std::string fields;
    for (const auto& f : c.changed_fields) fields += " " + f;
    std::cout << (c.what == kind::added ? "new      " : "changed  ") << c.id.str() << fields << '\n';
  }
  for (const auto& p : findings.gone) std::cout << "gone     " << p.id.str() << ' ' << p.title << '\n';
}

nlohmann::json differences(const dry_run_findings& findings) {
  using kind = storage::comparison::kind;
  nlohmann::json j{{"new", nlohmann::json::array()},
                   {"changed", nlohmann::json::object()},
                   {"gone", nlohmann::json::array()}};
  for (const auto& c : findings.comparisons) {
    if (c.what == kind::added) j["new"].push_back(c.id.str());
    if (c.what == kind::changed) j["changed"][c.id.str()] = c.changed_fields;
  }
  for (const auto& p : findings.gone) j["gone"].push_back(p.id.str());
  return j;
}

asio::awaitable<int> dry_run(application& app, scrape_options options, run_request request) {
  dry_run_findings findings;
  progress_line progress(app);
  progress.start();
  auto report = co_await app.runs().dry_run(std::move(request), findings);
  co_await progress.stop();
  if (!report) co_return fail(report.error());
  if (options.json) {
    auto document = to_json(*report);
    document["differences"] = differences(findings);
    std::cout << json_text(document, 2) << '\n';
  } else {
    print_summary(*report, true);
    print_differences(findings, options.explain);
  }
  if (!options.output.empty()) {
    auto written = export_dry_run(options.output, app.layout(), findings);
    if (!written) co_return fail(written.error());
  }
  co_return report->interrupted ? exit_interrupted : report->complete() ? exit_done : exit_partly;
}

asio::awaitable<int> scrape(application& app, scrape_options options, run_request request) {
  if (auto started = co_await app.start_pipeline(); !started) co_return fail(started.error());
  progress_line progress(app);
  progress.start();
  auto report = co_await app.runs().run(std::move(request));
  co_await progress.stop();
  if (!report) co_return fail(report.error());
  int code = report->interrupted ? exit_interrupted : report->complete() ? exit_done : exit_partly;
  if (!options.output.empty() && !report->interrupted) {
    if (auto written = co_await export_run(app, options.output, report->run); !written)
      code = fail(written.error());
  }
  if (options.json)
    std::cout << json_text(to_json(*report), 2) << '\n';
  else
    print_summary(*report, false);
  if (const auto* writer = app.writer(); writer != nullptr && report->rows_waiting > 0) {
    const auto status = writer->status();
    spdlog::warn("{} rows wait for the sink and are sent by the next run or the daemon{}",
                 report->rows_waiting,
                 status.last_error ? ": " + status.last_error->to_string() : std::string());
  }
  co_return code;
}

/// Whatever way the work ends, the application is shut down: its coroutines keep the loop alive.
asio::awaitable<int> run_and_shut_down(application& app, scrape_options options, run_request request) {
  int code = exit_failed;
  if (auto known = app.runs().check_sites(request.sites); !known)
    code = fail(known.error());
  else if (options.dry_run)
    code = co_await dry_run(app, std::move(options), std::move(request));
  else
    code = co_await scrape(app, std::move(options), std::move(request));
  co_await app.shutdown(app.settings().shutdown_timeout);
  co_return code;
}

int run_scrape(const invocation& to_run, const scrape_options& options) {
  if (options.migrate)
    return fail({errc::invalid_argument, "--migrate is not an option of catwalk", "", "",
                 "`catwalk sink migrate` takes its place"});
  if (options.allow_deletes && (!options.sync || site_names(options).size() != 1))
    return fail({errc::invalid_argument, "--allow-deletes is for one site and --sync",
                 std::to_string(*options.allow_deletes), "",
                 "catwalk scrape SITE --sync --allow-deletes N, with the number that the alarm names"});
  if (options.limit && *options.limit <= 0)
    return fail(
        {errc::invalid_argument, "--limit must be 1 or more", std::to_string(*options.limit), "", ""});
  const auto wait = config::parse_duration(options.wait);
  if (!wait)
    return fail(
        {errc::invalid_argument, "--wait is not a duration", options.wait, "", "write it as 90s or 5m"});
  if (!options.output.empty())
    if (auto can = row_export::check(options.output); !can) return fail(can.error());

  auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  if (options.sync && options.limit) spdlog::warn("--sync: a run with --limit deletes nothing");
  if (options.sync && options.dry_run)
    spdlog::warn("--sync: a dry run shows what would be gone and deletes nothing");
  asio::io_context loop;
  application_options app_options;
  app_options.allow_untrained = options.allow_untrained;
  if (options.dry_run) app_options.state = state_access::read_if_there;
  auto app = application::create(loop, std::move(*loaded), app_options);
  if (!app) return fail(app.error());

  run_request request;
  request.sites = site_names(options);
  request.read = {options.limit, options.refresh, options.explain};
  request.sink_wait = *wait;
  request.sync = options.sync;
  request.allow_deletes = options.allow_deletes;
  auto body = run_and_shut_down(**app, options, std::move(request));
  const int code = run_loop(loop, std::move(body), [&] { (*app)->request_stop(); });
  (*app)->close();
  return code;
}

}  // namespace

void add_scrape(CLI::App& app, invocation& to_run) {
  auto* command = app.add_subcommand("scrape", "Run now, without the schedule: read sites, embed, send")
                      ->group("Catalogue");
  auto options = std::make_shared<scrape_options>();
  command->add_option("SITE", options->sites, "Names of sites; none: all");
  command->add_option("--sites", options->sites_flag, "Names of sites, comma-separated (or all)")
      ->type_name("A,B");
  command->add_option("--limit", options->limit, "At most so many products of each site")->type_name("N");
  command->add_flag("--dry-run", options->dry_run, "Read and compare; write nothing, embed nothing");
  command->add_flag("--sync", options->sync, "Delete (or mark) what complete listings no longer hold");
  command->add_flag("--refresh", options->refresh, "Ignore what is known of pages: read everything anew");
  command->add_option("--allow-deletes", options->allow_deletes, "Permit exactly so many deletes of one site")
      ->type_name("N");
  command->add_flag("--allow-untrained", options->allow_untrained, "Send vectors of the untrained model");
  command->add_option("--wait", options->wait, "How long to wait for the sink at the end (default 5m)")
      ->type_name("D");
  command
      ->add_option("--output", options->output, "Also write the rows of this run to a file, .jsonl or .csv")
      ->type_name("FILE");
  command->add_flag("--explain", options->explain, "Log every skipped item; with --dry-run every difference");
  command->add_flag("--json", options->json, "Print the summary as JSON");
  command->add_flag("--migrate", options->migrate)->group("");
  command->footer(
      "A running daemon has catwalk's data to itself: use its schedule, the dashboard, or stop it first "
      "(exit "
      "code 4). --dry-run works beside it, and writes nothing.");
  command->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run_scrape(to_run, *options); }; });
}

}  // namespace catwalk::daemon
