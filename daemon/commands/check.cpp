#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <iostream>
#include <map>
#include <tuple>

#include "core/cron.hpp"
#include "core/log.hpp"
#include "core/time_zone.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/ignored_robots.hpp"
#include "daemon/online_check.hpp"
#include "scrape/same_ids.hpp"
#include "scrape/source.hpp"

namespace catwalk::daemon {

config::problems check_expressions(const config::loaded& loaded) {
  config::problems found;
  for (const auto& site : loaded.sites) {
    auto of_site = scrape::check_site(site);
    std::move(of_site.begin(), of_site.end(), std::back_inserter(found));
  }
  auto same_ids = scrape::check_same_ids(loaded.sites);
  std::move(same_ids.begin(), same_ids.end(), std::back_inserter(found));
  const auto& schedule = loaded.values.schedule;
  if (!schedule.timezone.text.empty()) {
    if (const auto zone = time_zone::find(schedule.timezone.text); !zone)
      found.push_back({config::problem::level::error, schedule.timezone.where, zone.error().to_string(), ""});
  }
  for (const auto& job : schedule.jobs) {
    if (const auto cron = cron_expression::parse(job.cron.text); !cron)
      found.push_back({config::problem::level::error, job.cron.where,
                       "job '" + job.name + "': " + cron.error().to_string(), ""});
  }
  return found;
}

namespace {

namespace asio = boost::asio;

asio::awaitable<int> ask_and_print(application& app, online_check& check, bool& stopped) {
  const auto findings = co_await check.run();
  bool good = true;
  for (const auto& finding : findings) {
    std::cout << finding.about << ": " << (finding.good ? "ok, " : "FAILED: ") << finding.says << '\n';
    good = good && finding.good;
  }
  co_await app.shutdown(app.settings().shutdown_timeout);
  co_return stopped ? exit_interrupted : good ? exit_done : exit_failed;
}

int ask_the_world(config::loaded loaded, const config::overrides& flags) {
  // What goes wrong is part of the answer; logged as well it would be said twice.
  start_logging(flags.log_level ? loaded.values.log.level : "off", loaded.values.log.format);
  asio::io_context loop;
  application_options options;
  options.allow_untrained = true;
  options.state = state_access::read_if_there;
  auto app = application::create(loop, std::move(loaded), options);
  if (!app) return fail(app.error());
  online_check check(**app);
  bool stopped = false;
  const int code = run_loop(loop, ask_and_print(**app, check, stopped), [&] {
    stopped = true;
    check.stop();
  });
  (*app)->close();
  return code;
}

/// As one reads the files: each in the order of its lines, the files as they were first spoken of.
void sort_by_place(config::problems& found) {
  std::map<std::string, std::size_t> files;
  for (const auto& p : found) files.emplace(p.where.file, files.size());
  std::stable_sort(found.begin(), found.end(), [&](const config::problem& a, const config::problem& b) {
    return std::tuple(files.at(a.where.file), a.where.line, a.where.column) <
           std::tuple(files.at(b.where.file), b.where.line, b.where.column);
  });
}

int run_check(const invocation& to_run, bool online) {
  auto loaded = config::load(to_run.flags, config::process_environment(), std::filesystem::current_path());
  auto found = loaded.found;
  auto expressions = check_expressions(loaded);
  std::move(expressions.begin(), expressions.end(), std::back_inserter(found));
  auto robots = check_robots(loaded.sites);
  std::move(robots.begin(), robots.end(), std::back_inserter(found));
  sort_by_place(found);
  for (const auto& p : found) std::cout << to_string(p) << '\n';
  if (config::has_errors(found)) return exit_usage;
  const auto& read = loaded.config_file.empty() ? loaded.sites_file : loaded.config_file;
  std::cout << (read.empty() ? "no configuration file (defaults)" : read.string()) << ": ok, "
            << loaded.sites.size() << " site(s), " << loaded.values.schedule.jobs.size() << " job(s)\n";
  if (loaded.sites_file.empty())
    std::cout << "there is no sites.yaml: `catwalk probe URL --write sites.yaml` writes one\n";
  if (loaded.values.sink.kind == "none") std::cout << no_sink_words << '\n';
  return online ? ask_the_world(std::move(loaded), to_run.flags) : exit_done;
}

}  // namespace

void add_check(CLI::App& app, invocation& to_run) {
  auto* command = app.add_subcommand("check", "Check the configuration and the sites")->group("Service");
  auto online = std::make_shared<bool>(false);
  command->add_flag("--online", *online,
                    "Also ask robots.txt and one page of each site, the sink and the model");
  command->footer(
      "Reads the files alone; --online also asks the shops and the sink, loads the model, embeds one picture "
      "of each site, and changes nothing. It does not matter whether the daemon runs.");
  command->callback(
      [&to_run, online] { to_run.action = [&to_run, online] { return run_check(to_run, *online); }; });
}

}  // namespace catwalk::daemon
