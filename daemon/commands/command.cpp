#include "daemon/commands/command.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>

#include "core/journal.hpp"
#include "core/log.hpp"
#include "core/task_group.hpp"
#include "daemon/concealment.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

std::optional<config::loaded> load_configuration(config::overrides flags, secrets use) {
  flags.secrets_needed = use == secrets::needed;
  auto loaded = config::load(flags, config::process_environment(), std::filesystem::current_path());
  start_logging(loaded.values.log.level, loaded.values.log.format);
  conceal_secrets(loaded);
  auto expressions = check_expressions(loaded);
  std::move(expressions.begin(), expressions.end(), std::back_inserter(loaded.found));
  for (const auto& p : loaded.found) {
    const bool is_error = p.severity == config::problem::level::error;
    tell_user(is_error ? spdlog::level::err : spdlog::level::warn, to_string(p));
  }
  if (config::has_errors(loaded.found)) return std::nullopt;
  return loaded;
}

void tell_user(spdlog::level::level_enum level, const std::string& text) {
  if (stderr_is_journal())
    spdlog::log(level, "{}", text);
  else
    std::cerr << "catwalk: " << concealed(text) << '\n';
}

int fail(const error& e) {
  tell_user(spdlog::level::err, e.to_string());
  switch (e.code) {
    case errc::state_locked:
      return exit_locked;
    case errc::invalid_argument:
    case errc::invalid_config:
    case errc::invalid_expression:
    case errc::state_newer:  // the state is not for this version: starting again does not help
      return exit_usage;
    case errc::cancelled:
      return exit_interrupted;
    default:
      return exit_failed;
  }
}

bool is_for_the_daemon(const error& opening) {
  return opening.code == errc::state_locked || opening.code == errc::io;
}

int fail_without_sink() {
  return fail({errc::invalid_config, "there is no sink", "sink.kind", "it is none",
               "set SUPABASE_URL and SUPABASE_KEY, or sink: in catwalk.yaml"});
}

namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

asio::awaitable<void> watch_signals(asio::signal_set& signals, std::function<void()> on_stop,
                                    std::function<void()> on_hangup, std::function<void()> on_insist) {
  for (bool first = true;;) {
    const auto [ec, number] = co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
    if (ec) co_return;
    if (number == SIGHUP) {
      on_hangup();
      continue;
    }
    if (!first) {
      // The user insists. What was acknowledged is on disk; nothing else is promised.
      if (on_insist) on_insist();
      std::_Exit(exit_interrupted);
    }
    spdlog::info("{} received: stopping; again to stop at once", strsignal(number));
    first = false;
    on_stop();
  }
}

asio::awaitable<void> run_body(asio::awaitable<int> body, asio::signal_set& signals, int& code) {
  code = co_await std::move(body);
  boost::system::error_code ignored;
  signals.cancel(ignored);
  // What comes now ends the process as it would any other.
  signals.clear(ignored);
}

}  // namespace

int run_loop(asio::io_context& loop, asio::awaitable<int> body, std::function<void()> on_stop,
             std::function<void()> on_hangup, std::function<void()> on_insist) {
  int code = exit_failed;
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  if (on_hangup) signals.add(SIGHUP);
  const auto held = stop_signals();
  pthread_sigmask(SIG_UNBLOCK, &held, nullptr);
  task_group tasks(loop.get_executor());
  tasks.spawn("signals",
              watch_signals(signals, std::move(on_stop), std::move(on_hangup), std::move(on_insist)));
  tasks.spawn("command", run_body(std::move(body), signals, code));
  loop.run();
  return code;
}

void hold_signals() {
  const auto held = stop_signals();
  pthread_sigmask(SIG_BLOCK, &held, nullptr);
}

bool is_terminal(int descriptor) {
  const char* term = std::getenv("TERM");
  return isatty(descriptor) != 0 && term != nullptr && std::strcmp(term, "dumb") != 0;
}

}  // namespace catwalk::daemon
