#pragma once
#include <spdlog/common.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>

#include "config/load.hpp"
#include "core/error.hpp"

namespace catwalk::daemon {

/// What the process exits with; part of the promises to users.
enum exit_code : int {
  exit_done = 0,
  exit_failed = 1,
  exit_usage = 2,   ///< wrong usage or configuration
  exit_partly = 3,  ///< partly done
  exit_locked = 4,  ///< another process holds the state
  exit_interrupted = 130,
};

/// The flags that every command takes, and what the chosen command will do.
struct invocation {
  config::overrides flags;
  std::function<int()> action;
};

/// One function per command: adds it to the command line with its options and sets `to_run.action` when it is
/// chosen.
void add_run(CLI::App& app, invocation& to_run);
void add_scrape(CLI::App& app, invocation& to_run);
void add_check(CLI::App& app, invocation& to_run);
void add_embed(CLI::App& app, invocation& to_run);
void add_backfill(CLI::App& app, invocation& to_run);
void add_failed(CLI::App& app, invocation& to_run);
void add_jobs(CLI::App& app, invocation& to_run);
/// Adds `adopt` to the command `sink`.
void add_sink_adopt(CLI::App& sink, invocation& to_run);
void add_sink(CLI::App& app, invocation& to_run);
void add_compare(CLI::App& app, invocation& to_run);
void add_search(CLI::App& app, invocation& to_run);
void add_model(CLI::App& app, invocation& to_run);
/// Add `bench` and `verify` to the command `model`.
void add_model_bench(CLI::App& model, invocation& to_run);
void add_model_verify(CLI::App& model, invocation& to_run);
void add_try(CLI::App& app, invocation& to_run);
void add_probe(CLI::App& app, invocation& to_run);
void add_state(CLI::App& app, invocation& to_run);
void add_status(CLI::App& app, invocation& to_run);
void add_healthcheck(CLI::App& app, invocation& to_run);
void add_demo(CLI::App& app, invocation& to_run);
void add_completion(CLI::App& app, invocation& to_run);
void add_version(CLI::App& app, invocation& to_run);

/// Whether a command needs the configuration's secrets. One that only asks the daemon or reads the state does
/// not, so that it is for users who may not read them.
enum class secrets { needed, unneeded };

/// Loads the configuration, starts logging, prints warnings and errors to stderr. nullopt: it cannot be used,
/// exit 2.
std::optional<config::loaded> load_configuration(config::overrides flags, secrets use = secrets::needed);

/// Runs the owners' parsers over every expression of the configuration (JMESPath, cron, time zones).
config::problems check_expressions(const config::loaded& loaded);

/// Prints a line to stderr, under the program's name; as a log line where stderr is systemd's journal.
void tell_user(spdlog::level::level_enum level, const std::string& text);

/// Prints an error to stderr and gives the exit code that its kind asks for.
int fail(const error& e);

/// Whether what kept a command from opening the state is no reason not to ask the daemon: it holds the state,
/// or this user may not write to it and is perhaps a member of the daemon's group.
bool is_for_the_daemon(const error& opening);

/// What follows from a configuration without a sink, which may be meant.
inline constexpr const char* no_sink_words =
    "no sink: rows stay in catwalk's own catalogue (SUPABASE_URL and SUPABASE_KEY, or sink.kind, name one)";

/// Prints that a command which needs the sink has none configured; exit_usage.
int fail_without_sink();

/// Runs `body` on the loop. The first SIGINT or SIGTERM calls `on_stop` (once); a second calls `on_insist`,
/// where there is one, and exits at once with 130. Returns what the body returns. `on_hangup` is called for
/// each SIGHUP; unset, that ends the process.
int run_loop(boost::asio::io_context& loop, boost::asio::awaitable<int> body, std::function<void()> on_stop,
             std::function<void()> on_hangup = {}, std::function<void()> on_insist = {});

/// From here on SIGINT and SIGTERM wait until run_loop() handles them: for a command that makes something
/// before the loop runs which must not stay behind.
void hold_signals();

/// True when the descriptor is a terminal that understands cursor movement.
bool is_terminal(int descriptor);

}  // namespace catwalk::daemon
