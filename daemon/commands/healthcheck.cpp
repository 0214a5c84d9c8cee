#include <boost/asio/io_context.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/http_client.hpp"
#include "daemon/commands/command.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<int> ask(http_client& http, std::string address) {
  http_request request;
  request.url = "http://" + address + "/health";
  request.timeout = std::chrono::seconds(5);
  auto response = co_await http.fetch(std::move(request));
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
  const auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  asio::io_context loop;
  http_client http(loop.get_executor(),
                   {.name = "health", .user_agent = "catwalk/" CATWALK_VERSION, .guard_addresses = false});
  return run_loop(loop, ask(http, loaded->values.http.listen), [] { std::_Exit(exit_interrupted); });
}

}  // namespace

void add_healthcheck(CLI::App& app, invocation& to_run) {
  auto* command = app.add_subcommand("healthcheck", "Ask the daemon how it is: exit 0 or 1, for a monitor")
                      ->group("Service");
  command->footer("Asks http.listen; needs no access to the state folder.");
  command->callback([&to_run] { to_run.action = [&to_run] { return run_healthcheck(to_run); }; });
}

}  // namespace catwalk::daemon
