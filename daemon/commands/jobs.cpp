#include <spdlog/fmt/fmt.h>

#include <boost/asio/io_context.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/daemon_client.hpp"
#include "daemon/time_text.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct jobs_options {
  std::int64_t run = 0;
  int limit = 20;
  bool json = false;
};

std::string_view words(storage::run_state state) {
  switch (state) {
    case storage::run_state::running:
      return "running";
    case storage::run_state::done:
      return "done";
    case storage::run_state::partly:
      return "partly";
    case storage::run_state::failed:
      return "failed";
    case storage::run_state::interrupted:
      return "interrupted";
    case storage::run_state::cancelled:
      return "cancelled";
  }
  return "";
}

nlohmann::json as_json(const storage::run_summary& run) {
  nlohmann::json j{{"run", run.id},
                   {"job", run.job},
                   {"state", words(run.state)},
                   {"started", time_text(run.started)},
                   {"finished", nullptr}};
  if (run.finished) j["finished"] = time_text(*run.finished);
  j["report"] = nlohmann::json::parse(run.counts_json, nullptr, false);
  j["errors"] = nlohmann::json::parse(run.errors_json, nullptr, false);
  return j;
}

/// A run on one line: when, what, how it ended, what it did.
std::string line_of(const storage::run_summary& run) {
  const auto report = nlohmann::json::parse(run.counts_json, nullptr, false);
  int products = 0, added = 0, changed = 0, gone = 0;
  if (report.is_object() && report.contains("sites"))
    for (const auto& site : report["sites"]) {
      products += site.value("products", 0);
      added += site.value("added", 0);
      changed += site.value("changed", 0);
      gone += site.value("gone", 0);
    }
  return fmt::format("{:>5}  {}  {:<12} {:<12} {} products, {} new, {} changed, {} gone", run.id,
                     time_text(run.started), run.job, words(run.state), products, added, changed, gone);
}

/// What one site gave in a run.
std::string site_line(const nlohmann::json& site) {
  auto text = fmt::format("{}: {} products ({} new, {} changed, {} unchanged, {} gone), {} pages, {:.1f} s",
                          site.value("site", ""), site.value("products", 0), site.value("added", 0),
                          site.value("changed", 0), site.value("unchanged", 0), site.value("gone", 0),
                          site.value("pages", 0), site.value("seconds", 0.0));
  const auto& skipped = site.value("skipped", nlohmann::json::object());
  for (const auto& [reason, count] : skipped.items())
    text += fmt::format("\n    {} skipped: {}", count.dump(), reason);
  return text;
}

/// The report of a run, in words: each site, then pictures and rows.
std::string report_text(const nlohmann::json& report) {
  std::string text;
  for (const auto& site : report.value("sites", nlohmann::json::array()))
    text += "  " + site_line(site) + '\n';
  return text + fmt::format("  pictures: {} embedded, {} failed; rows: {} sent, {} refused, {} waiting\n",
                            report.value("images_embedded", 0), report.value("images_failed", 0),
                            report.value("rows_sent", 0), report.value("rows_dead", 0),
                            report.value("rows_waiting", 0));
}

asio::awaitable<int> list(application& app, jobs_options options) {
  const auto runs = co_await app.catalogue().recent_runs(options.limit);
  if (!runs) co_return fail(runs.error());
  if (options.json) {
    auto all = nlohmann::json::array();
    for (const auto& run : *runs) all.push_back(as_json(run));
    std::cout << json_text(all, 2) << '\n';
    co_return exit_done;
  }
  for (const auto& run : *runs) std::cout << line_of(run) << '\n';
  if (runs->empty()) std::cout << "no run yet\n";
  co_return exit_done;
}

asio::awaitable<int> show(application& app, jobs_options options) {
  const auto run = co_await app.catalogue().find_run(options.run);
  if (!run) co_return fail(run.error());
  if (!*run)
    co_return fail({errc::not_found, "no such run", std::to_string(options.run), "",
                    "`catwalk jobs list` has their numbers"});
  const auto j = as_json(**run);
  if (options.json) {
    std::cout << json_text(j, 2) << '\n';
    co_return exit_done;
  }
  std::cout << line_of(**run) << '\n';
  if (j["errors"].is_array())
    for (const auto& text : j["errors"]) std::cout << "  " << text.get<std::string>() << '\n';
  if (j["report"].is_object()) std::cout << report_text(j["report"]);
  co_return exit_done;
}

using verb = asio::awaitable<int> (*)(application&, jobs_options);

asio::awaitable<int> run_and_shut_down(application& app, verb what, jobs_options options) {
  const int code = co_await what(app, std::move(options));
  co_await app.shutdown(app.settings().shutdown_timeout);
  co_return code;
}

int run_verb(const invocation& to_run, verb what, const jobs_options& options) {
  auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  asio::io_context loop;
  application_options app_options;
  app_options.state = state_access::read;
  auto app = application::create(loop, std::move(*loaded), app_options);
  if (!app) return fail(app.error());
  const int code = run_loop(loop, run_and_shut_down(**app, what, options), [&] { (*app)->request_stop(); });
  (*app)->close();
  return code;
}

asio::awaitable<int> cancel(daemon_client& daemon, std::int64_t run) {
  const auto answer = co_await daemon.ask("POST", "/api/v1/runs/" + std::to_string(run) + "/cancel");
  if (!answer) co_return fail(answer.error());
  if (answer->status == 202) {
    std::cout << "run " << run << " ends now; what was read is kept\n";
    co_return exit_done;
  }
  const auto said = nlohmann::json::parse(answer->body, nullptr, false);
  const auto problem =
      said.is_object() ? said.value("error", nlohmann::json::object()) : nlohmann::json::object();
  co_return fail({errc::not_found, "cannot cancel run " + std::to_string(run), "",
                  problem.value("message", "the daemon answered " + std::to_string(answer->status)),
                  answer->status == 401 ? "or join the group catwalk" : ""});
}

int run_cancel(const invocation& to_run, std::int64_t run) {
  const auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  asio::io_context loop;
  daemon_client daemon(loop.get_executor(), *loaded);
  return run_loop(loop, cancel(daemon, run), [] { std::_Exit(exit_interrupted); });
}

}  // namespace

void add_jobs(CLI::App& app, invocation& to_run) {
  auto* command = app.add_subcommand("jobs", "Runs: the latest ones, or one in full")->group("Catalogue");
  command->require_subcommand(1);
  auto options = std::make_shared<jobs_options>();

  auto* listing = command->add_subcommand("list", "The latest runs");
  listing->add_option("-n,--limit", options->limit, "At most so many (default 20)")
      ->check(CLI::Range(1, 100'000));
  listing->add_flag("--json", options->json, "Print as JSON");
  listing->footer("Also while the daemon runs: as its own user, root or a member of the group catwalk.");
  listing->callback([&to_run, options] {
    to_run.action = [&to_run, options] { return run_verb(to_run, list, *options); };
  });

  auto* showing = command->add_subcommand("show", "One run: what each site gave, and its errors");
  showing->add_option("RUN", options->run, "Its number in the list")->required();
  showing->add_flag("--json", options->json, "Print as JSON");
  showing->footer("Also while the daemon runs: as its own user, root or a member of the group catwalk.");
  showing->callback([&to_run, options] {
    to_run.action = [&to_run, options] { return run_verb(to_run, show, *options); };
  });

  auto* cancelling = command->add_subcommand("cancel", "End a run that is under way");
  cancelling->add_option("RUN", options->run, "Its number in the list")->required();
  cancelling->footer(
      "Asks the running daemon: as its own user, root or a member of the group catwalk. What was read "
      "is kept; a scheduled run does not go on later.");
  cancelling->callback([&to_run, options] {
    to_run.action = [&to_run, options] { return run_cancel(to_run, options->run); };
  });
}

}  // namespace catwalk::daemon
