#include <boost/asio/io_context.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "daemon/commands/command.hpp"
#include "daemon/daemon_client.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<int> ask(daemon_client& daemon) {
  auto response = co_await daemon.ask("GET", "/health", {}, std::chrono::seconds(5));
  if (!response) co_return fail(response.error());
  if (response->status == 200) {
    std::cout << "healthy\n";
    co_return exit_done;
  }
  const auto health = nlohmann::json::parse(response->body, nullptr, false);
  if (health.is_object() && health.contains("reasons")) {
    for (const auto& reason : health["reasons"])
      std::cout << (reason.is_string() ? reason.get<std::string>() : reason.dump()) << '\n';
  } else {
    std::cout << "the daemon answered " << response->status << '\n';
  }
  co_return exit_failed;
}

int run_healthcheck(const invocation& to_run) {
  const auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  asio::io_context loop;
  daemon_client daemon(loop.get_executor(), *loaded);
  return run_loop(loop, ask(daemon), [] { std::_Exit(exit_interrupted); });
}

}  // namespace

void add_healthcheck(CLI::App& app, invocation& to_run) {
  auto* command = app.add_subcommand("healthcheck", "Ask the daemon how it is: exit 0 or 1, for a monitor")
                      ->group("Service");
  command->footer("Asks the running daemon; any user of this machine may.");
  command->callback([&to_run] { to_run.action = [&to_run] { return run_healthcheck(to_run); }; });
}

}  // namespace catwalk::daemon
