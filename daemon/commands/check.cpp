#include <algorithm>
#include <iostream>

#include "core/cron.hpp"
#include "core/log.hpp"
#include "core/time_zone.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/unsupported_settings.hpp"
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
  auto unsupported = unsupported_settings(loaded);
  std::move(unsupported.begin(), unsupported.end(), std::back_inserter(found));
  return found;
}

namespace {

int run_check(const invocation& to_run, bool online) {
  if (online)
    return fail({errc::invalid_argument, "--online is not supported yet by this version", "", "",
                 "`catwalk scrape SITE --limit 3 --dry-run` asks one site"});
  const auto loaded =
      config::load(to_run.flags, config::process_environment(), std::filesystem::current_path());
  auto found = loaded.found;
  auto expressions = check_expressions(loaded);
  std::move(expressions.begin(), expressions.end(), std::back_inserter(found));
  for (const auto& p : found) std::cout << to_string(p) << '\n';
  if (config::has_errors(found)) return exit_usage;
  const auto& read = loaded.config_file.empty() ? loaded.sites_file : loaded.config_file;
  std::cout << (read.empty() ? "no configuration file (defaults)" : read.string()) << ": ok, "
            << loaded.sites.size() << " site(s), " << loaded.values.schedule.jobs.size() << " job(s)\n";
  return exit_done;
}

}  // namespace

void add_check(CLI::App& app, invocation& to_run) {
  auto* command = app.add_subcommand("check", "Check the configuration and the sites")->group("Service");
  auto online = std::make_shared<bool>(false);
  command->add_flag("--online", *online, "Also ask the shops, the sink and the model");
  command->callback(
      [&to_run, online] { to_run.action = [&to_run, online] { return run_check(to_run, *online); }; });
}

}  // namespace catwalk::daemon
