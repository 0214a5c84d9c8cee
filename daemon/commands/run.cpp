#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>

#include "daemon/commands/command.hpp"
#include "daemon/service.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

int run_daemon(const invocation& to_run, bool allow_untrained) {
  auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  asio::io_context loop;
  service daemon(loop, std::move(*loaded), {to_run.flags, allow_untrained});
  const auto on_hangup = [&] {
    // What is wrong with the new configuration was logged.
    if (const auto changes = daemon.reload(); !changes) spdlog::debug("{}", changes.error().to_string());
  };
  const int code = run_loop(
      loop, daemon.run(), [&] { daemon.stop(); }, on_hangup);
  spdlog::info("stopped");
  return code;
}

}  // namespace

void add_run(CLI::App& app, invocation& to_run) {
  auto* command =
      app.add_subcommand("run", "The daemon: jobs on their schedule, health and metrics")->group("Service");
  auto allow_untrained = std::make_shared<bool>(false);
  command->add_flag("--allow-untrained", *allow_untrained, "Send vectors of the untrained model");
  command->footer(
      "While it runs, no other process writes catwalk's data (state.dir). SIGHUP loads the configuration "
      "again; an invalid one leaves the old in "
      "place.\n"
      "SIGTERM drains and exits 0; a second signal exits at once.");
  command->callback([&to_run, allow_untrained] {
    to_run.action = [&to_run, allow_untrained] { return run_daemon(to_run, *allow_untrained); };
  });
}

}  // namespace catwalk::daemon
