#include <iostream>

#include "daemon/commands/command.hpp"

namespace catwalk::daemon {

void add_version(CLI::App& app, invocation& to_run) {
  auto* command = app.add_subcommand("version", "Print the version")->group("Help");
  command->callback([&to_run] {
    to_run.action = [] {
      std::cout << "catwalk " CATWALK_VERSION "\n";
      return static_cast<int>(exit_done);
    };
  });
}

}  // namespace catwalk::daemon
