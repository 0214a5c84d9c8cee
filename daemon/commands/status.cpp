#include <boost/asio/io_context.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "core/json_text.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/daemon_client.hpp"
#include "daemon/status_text.hpp"
#include "daemon/token.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct status_options {
  bool token = false;
  bool json = false;
};

asio::awaitable<int> show(daemon_client& daemon, status_options options) {
  const auto answer = co_await daemon.ask("GET", "/health");
  if (!answer) co_return fail(answer.error());
  const auto health = nlohmann::json::parse(answer->body, nullptr, false);
  if (!health.is_object())
    co_return fail({errc::malformed, "cannot read the daemon's answer", answer->url,
                    "status " + std::to_string(answer->status), "is it catwalk that answers there?"});
  std::cout << (options.json ? json_text(health, 2) + "\n" : status_text(health, wall_now()));
  co_return answer->status == 200 ? exit_done : exit_failed;
}

asio::awaitable<int> print_token(daemon_client& daemon, const config::loaded& loaded) {
  auto token = load_token(loaded.values.http.token, loaded.state_dir);
  if (token) {
    std::cout << token->reveal() << '\n';
    co_return exit_done;
  }
  // Who may come in by the unix socket may have the token too.
  const auto answer = co_await daemon.ask("GET", "/-/token");
  if (!answer || answer->status != 200) co_return fail(token.error());
  std::cout << answer->body;
  co_return exit_done;
}

int run_status(const invocation& to_run, const status_options& options) {
  const auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  asio::io_context loop;
  daemon_client daemon(loop.get_executor(), *loaded);
  auto body = options.token ? print_token(daemon, *loaded) : show(daemon, options);
  return run_loop(loop, std::move(body), [] { std::_Exit(exit_interrupted); });
}

}  // namespace

void add_status(CLI::App& app, invocation& to_run) {
  auto* command = app.add_subcommand("status", "What the daemon is doing")->group("Service");
  auto options = std::make_shared<status_options>();
  command->add_flag("--token", options->token, "Print the API's token instead");
  command->add_flag("--json", options->json, "What GET /health answers");
  command->footer(
      "Asks the running daemon. Exit 0: healthy, 1: not, or no daemon.\n"
      "--token: as the daemon's own user, root or a member of the group catwalk.");
  command->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run_status(to_run, *options); }; });
}

}  // namespace catwalk::daemon
