#include "daemon/service.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iterator>
#include <utility>

#include "config/change_list.hpp"
#include "core/log.hpp"
#include "core/task_group.hpp"
#include "core/url.hpp"
#include "daemon/api_server.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/concealment.hpp"
#include "daemon/daemon_client.hpp"
#include "daemon/retention.hpp"
#include "daemon/scheduler.hpp"
#include "daemon/service_notifier.hpp"
#include "daemon/service_watch.hpp"
#include "daemon/token.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds model_poll{5000};
/// For answers on their way out when the time to shut down is over.
constexpr std::chrono::milliseconds last_answers{500};

asio::awaitable<result<std::unique_ptr<scheduler>>> make_scheduler(application& app) {
  const auto slots = co_await app.catalogue().taken_slots();
  if (!slots) co_return slots.error();
  std::map<std::string, std::vector<sys_seconds>> fired;
  std::map<std::string, sys_seconds> interrupted;
  for (const auto& taken : *slots) {
    const auto slot = std::chrono::floor<std::chrono::seconds>(taken.slot);
    if (taken.interrupted)
      interrupted.emplace(taken.job, slot);  // the latest comes first
    else
      fired[taken.job].push_back(slot);
  }
  co_return scheduler::make(app, fired, interrupted);
}

/// A repeated line is told of when its minute is over, also where nothing else is logged.
asio::awaitable<void> keep_telling_repeats(asio::io_context& loop) {
  asio::steady_timer timer(loop);
  for (;;) {
    timer.expires_after(std::chrono::seconds(5));
    co_await timer.async_wait(asio::use_awaitable);
    tell_log_repeats();
  }
}

}  // namespace

service::service(asio::io_context& loop, config::loaded configuration, options o)
    : loop_(loop), current_(std::move(configuration)), options_(std::move(o)), wake_(loop) {}

service::~service() = default;

void service::stop() {
  stopping_ = true;
  if (running_) running_->request_stop();
  wake_.cancel();
}

asio::awaitable<void> service::wait_until_woken() {
  while (!stopping_ && !pending_) {
    wake_.expires_at(asio::steady_timer::time_point::max());
    co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<int> service::run() {
  std::optional<config::loaded> before;
  for (;;) {
    replaces_ = before.has_value();
    const auto ended = co_await serve();
    if (!ended) {
      if (stopping_) co_return exit_done;
      const int code = fail(ended.error());
      if (!before) co_return code;
      spdlog::error("the new configuration cannot be started: the one before stays");
      reload_successful_ = false;
      current_ = std::move(*before);
      before.reset();
      continue;
    }
    if (*ended == ending::stopped) co_return exit_done;
    before = std::exchange(current_, std::move(*pending_));
    pending_.reset();
    start_logging(current_.values.log.level, current_.values.log.format);
  }
}

asio::awaitable<result<service::ending>> service::serve() {
  application_options how;
  how.allow_untrained = options_.allow_untrained;
  std::optional<startup_extension> starting(std::in_place);
  auto app = application::create(loop_, current_, how);
  if (!app) co_return app.error();
  starting.reset();
  running_ = app->get();
  auto ended = co_await serve_with(**app);
  running_ = nullptr;
  (*app)->close();
  co_return ended;
}

/// Whatever way serving ends, the application is shut down in order.
asio::awaitable<result<service::ending>> service::serve_with(application& app) {
  const auto& settings = app.settings();
  result<ending> ended = ending::stopped;
  auto token = load_or_make_token(settings.http.token, app.loaded().state_dir);
  if (token) {
    conceal_in_logs(token->reveal());
    api_server_options door;
    door.listen = settings.http.listen;
    door.token = token->reveal();
    door.unix_socket = own_socket(app.loaded().state_dir);
    if (settings.http.reload) door.reload = [this] { return reload(); };
    api_server http(app, std::move(door));
    // The port comes first: a monitor sees "not ready" while the model loads, a taken port fails at once.
    auto listening = http.start();
    if (listening) {
      spdlog::info("health at http://{}/health", settings.http.listen);
      note_reload(reload_successful_);
      auto served = co_await serve_until_woken(app);
      ended = std::move(served);
    } else {
      ended = listening.error();
    }
    task_group farewell(loop_.get_executor());
    farewell.spawn("watchdog", keep_watchdog_kicked(loop_.get_executor()));
    const auto deadline = steady_now() + settings.shutdown_timeout;
    co_await app.shutdown(settings.shutdown_timeout);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_now());
    co_await http.stop(std::max(left, last_answers));
    farewell.cancel();
    co_await farewell.join();
  } else {
    ended = token.error();
    co_await app.shutdown(std::chrono::milliseconds(0));
  }
  co_return ended;
}

/// A daemon without a model answers, says so, and goes on as soon as somebody has brought one.
asio::awaitable<void> service::wait_for_model(application& app, const error& missing) {
  const auto pause = std::min(model_poll, time_between_kicks().value_or(model_poll));
  spdlog::error("{}; the daemon waits for it", missing.to_string());
  notify_ready();
  notify_status("waits for a model: `catwalk model pull`");
  while (!stopping_ && !pending_) {
    wake_.expires_after(pause);
    co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
    notify_alive();
    auto look = app.model_is_there();
    if (co_await std::move(look)) co_return;
  }
}

asio::awaitable<result<service::ending>> service::serve_until_woken(application& app) {
  std::optional<startup_extension> starting(std::in_place);
  auto started = co_await app.start_pipeline();
  // A reload to a model that is not there is taken back instead.
  while (!started && started.error().code == errc::model_missing && !replaces_) {
    starting.reset();
    co_await wait_for_model(app, started.error());
    if (stopping_) co_return ending::stopped;
    if (pending_) co_return ending::reloading;
    starting.emplace();
    auto again = co_await app.start_pipeline();
    started = std::move(again);
  }
  if (!started) co_return started.error();
  auto jobs = co_await make_scheduler(app);
  if (!jobs) co_return jobs.error();
  starting.reset();
  task_group watch(loop_.get_executor());
  watch.spawn("retention", keep_pruning(app));
  watch.spawn("log", keep_telling_repeats(loop_));
  watch.spawn("service manager", keep_service_manager_informed(app));
  if (!stopping_) (*jobs)->start();
  notify_ready();
  spdlog::info("ready: {} site(s), {} job(s)", app.loaded().sites.size(),
               app.settings().schedule.jobs.size());
  if (app.settings().schedule.jobs.empty())
    spdlog::warn("no job is configured: nothing will be read; add one under schedule.jobs");
  if (app.settings().sink.kind == "none") spdlog::warn("{}", no_sink_words);
  co_await wait_until_woken();
  const bool stops = stopping_;
  if (stops)
    notify_stopping(app.settings().shutdown_timeout + std::chrono::seconds(30));
  else
    notify_reloading();
  app.request_stop();
  co_await (*jobs)->stop();
  watch.cancel();
  co_await watch.join();
  co_return stops ? ending::stopped : ending::reloading;
}

void service::note_reload(bool successful) {
  reload_successful_ = successful;
  if (running_) running_->metrics().config_last_reload_successful().Set(successful ? 1 : 0);
}

result<std::vector<std::string>> service::reload() {
  auto loaded = config::load(options_.flags, config::process_environment(), std::filesystem::current_path());
  conceal_secrets(loaded);
  auto expressions = check_expressions(loaded);
  std::move(expressions.begin(), expressions.end(), std::back_inserter(loaded.found));
  std::string wrong;
  for (const auto& problem : loaded.found) {
    const bool is_error = problem.severity == config::problem::level::error;
    spdlog::log(is_error ? spdlog::level::err : spdlog::level::warn, "{}", to_string(problem));
    if (is_error) wrong += (wrong.empty() ? "" : "\n") + to_string(problem);
  }
  if (!wrong.empty()) {
    note_reload(false);
    spdlog::error("the configuration was not loaded: the one before stays");
    return error{errc::invalid_config, "the configuration was not loaded", "", std::move(wrong),
                 "the one before stays in effect"};
  }
  note_reload(true);
  const auto list = config::changes(pending_ ? *pending_ : current_, loaded, redacted);
  if (list.empty()) spdlog::info("the configuration was read again: nothing has changed");
  for (const auto& line : list) spdlog::info("the configuration has changed: {}", line);
  const bool log_alone =
      std::all_of(list.begin(), list.end(), [](const std::string& line) { return line.starts_with("log."); });
  if (log_alone && !pending_) {
    start_logging(loaded.values.log.level, loaded.values.log.format);
    current_ = std::move(loaded);
  } else {
    pending_ = std::move(loaded);
    wake_.cancel();
  }
  return list;
}

}  // namespace catwalk::daemon
