#include <sys/prctl.h>

#include <clocale>
#include <exception>
#include <iostream>

#include "daemon/commands/command.hpp"

namespace {

using namespace catwalk;
using namespace catwalk::daemon;

int run_command_line(int argc, char** argv) {
  invocation chosen;
  CLI::App app("catwalk keeps a fashion catalogue and its image vectors up to date.", "catwalk");
  app.require_subcommand(1);
  app.set_version_flag("--version", "catwalk " CATWALK_VERSION);
  app.add_option("--config", chosen.flags.config_file,
                 "Configuration; default ./catwalk.yaml, /etc/catwalk/catwalk.yaml, ./sites.yaml")
      ->type_name("FILE");
  app.add_option("--log-level", chosen.flags.log_level, "trace, debug, info, warn, error, critical or off");
  app.add_option("--log-format", chosen.flags.log_format, "text or json");
  app.fallthrough();
  app.footer("Every command has --help. Results go to stdout, logs and progress to stderr.\n"
             "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 partly done,\n"
             "4 another process holds the state, 130 interrupted.");

  add_run(app, chosen);
  add_scrape(app, chosen);
  add_check(app, chosen);
  add_embed(app, chosen);
  add_search(app, chosen);
  add_model(app, chosen);
  add_try(app, chosen);
  add_healthcheck(app, chosen);
  add_demo(app, chosen);
  add_version(app, chosen);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? exit_done : exit_usage;
  }
  return chosen.action ? chosen.action() : static_cast<int>(exit_usage);
}

}  // namespace

int main(int argc, char** argv) {
  // The URL parser converts host names to punycode by the character type of the locale; numbers stay in "C".
  if (std::setlocale(LC_CTYPE, "C.UTF-8") == nullptr) std::setlocale(LC_CTYPE, "");
  // Memory holds keys: no core file, no ptrace by other processes of the user.
  prctl(PR_SET_DUMPABLE, 0);
  try {
    return run_command_line(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "catwalk: " << e.what() << '\n';
    return exit_failed;
  }
}
