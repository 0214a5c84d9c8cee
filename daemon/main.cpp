#include <sys/prctl.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "core/log.hpp"
#include "core/memory_advice.hpp"
#include "core/thrown.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/usage_error.hpp"

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
  app.footer(
      "Every command has --help. Results go to stdout, logs and progress to stderr.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 partly done,\n"
      "4 another process holds the state, 130 interrupted.");

  add_run(app, chosen);
  add_scrape(app, chosen);
  add_check(app, chosen);
  add_embed(app, chosen);
  add_compare(app, chosen);
  add_search(app, chosen);
  add_sink(app, chosen);
  add_backfill(app, chosen);
  add_jobs(app, chosen);
  add_failed(app, chosen);
  add_model(app, chosen);
  add_try(app, chosen);
  add_probe(app, chosen);
  add_state(app, chosen);
  add_status(app, chosen);
  add_healthcheck(app, chosen);
  add_demo(app, chosen);
  add_completion(app, chosen);
  add_version(app, chosen);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(e);
    tell_user(spdlog::level::err, usage_error(app, e));
    return exit_usage;
  }
  return chosen.action ? chosen.action() : static_cast<int>(exit_usage);
}

std::terminate_handler aborts = std::abort;

/// Memory may run out where nothing can be handed back: in a library's thread, in a destructor. That is said,
/// and the exit is one which a service manager answers with a new start. Any other exception that nobody
/// takes is a bug, and aborts.
[[noreturn]] void end_uncaught() noexcept {
  try {
    if (const auto thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    if (ran_out_of_memory(e)) {
      // Piece by piece: there is no memory to put them together in.
      for (const std::string_view part :
           {std::string_view("catwalk: memory ran out, nothing that was stored is lost ("), memory_advice,
            std::string_view(")\n")})
        [[maybe_unused]] const auto written = write(STDERR_FILENO, part.data(), part.size());
      std::_Exit(exit_failed);
    }
  } catch (...) {
    aborts();
  }
  aborts();
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  // The URL parser converts host names to punycode by the character type of the locale; numbers stay in "C".
  if (std::setlocale(LC_CTYPE, "C.UTF-8") == nullptr) std::setlocale(LC_CTYPE, "");
  // Memory holds keys: no core file, no ptrace by other processes of the user.
  prctl(PR_SET_DUMPABLE, 0);
  aborts = std::set_terminate(end_uncaught);
  start_logging("info", "text");  // until the configuration says how
  int code = exit_failed;
  try {
    code = run_command_line(argc, argv);
  } catch (const exception& e) {
    tell_user(spdlog::level::critical, e.what());
  } catch (const std::exception& e) {
    tell_user(spdlog::level::critical,
              with_cause({errc::internal, "cannot go on", "", "", ""}, e).to_string());
  }
  end_logging();
  return code;
}
