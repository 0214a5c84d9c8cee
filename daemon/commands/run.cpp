#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/health_endpoints.hpp"
#include "daemon/scheduler.hpp"
#include "daemon/service_notifier.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

/// Set by the first signal.
class stop_request {
 public:
  explicit stop_request(asio::io_context& loop) : timer_(loop) {
    timer_.expires_at(asio::steady_timer::time_point::max());
  }
  void set() {
    set_ = true;
    timer_.cancel();
  }
  bool is_set() const noexcept { return set_; }
  asio::awaitable<void> wait() {
    while (!set_) co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

 private:
  asio::steady_timer timer_;
  bool set_ = false;
};

asio::awaitable<result<std::unique_ptr<scheduler>>> make_scheduler(application& app) {
  const auto slots = co_await app.catalogue().taken_slots();
  if (!slots) co_return slots.error();
  std::map<std::string, std::vector<sys_seconds>> fired;
  for (const auto& taken : *slots) {
    const auto slot = std::chrono::floor<std::chrono::seconds>(taken.slot);
    // An interrupted run's slot counts as missed: it is caught up with, and its run taken up again.
    fired[taken.job].push_back(taken.interrupted ? slot - std::chrono::seconds(1) : slot);
  }
  co_return scheduler::make(app, fired);
}

asio::awaitable<int> serve(application& app, http_server& http, stop_request& stop) {
  // The port comes first: a monitor sees "not ready" while the model loads, and a taken port fails at once.
  if (auto listening = http.start(); !listening) co_return fail(listening.error());
  spdlog::info("health at http://{}/health", app.settings().http.listen);
  if (auto started = co_await app.start_pipeline(); !started) {
    if (stop.is_set()) co_return exit_done;
    co_return fail(started.error());
  }
  auto jobs = co_await make_scheduler(app);
  if (!jobs) co_return fail(jobs.error());
  if (!stop.is_set()) (*jobs)->start();
  notify_ready();
  spdlog::info("ready: {} site(s), {} job(s)", app.loaded().sites.size(),
               app.settings().schedule.jobs.size());
  if (app.settings().schedule.jobs.empty())
    spdlog::warn("no job is configured: nothing will be read; add one under schedule.jobs");
  co_await stop.wait();
  notify_stopping();
  app.request_stop();
  co_await (*jobs)->stop();
  co_return exit_done;
}

asio::awaitable<int> serve_and_shut_down(application& app, http_server& http, stop_request& stop) {
  const int code = co_await serve(app, http, stop);
  co_await app.shutdown(app.settings().shutdown_timeout);
  co_await http.stop();
  co_return code;
}

int run_daemon(const invocation& to_run, bool allow_untrained) {
  auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  const auto listen = loaded->values.http.listen;
  asio::io_context loop;
  application_options options;
  options.allow_untrained = allow_untrained;
  auto app = application::create(loop, std::move(*loaded), options);
  if (!app) return fail(app.error());
  health_endpoints endpoints(**app);
  http_server http(loop.get_executor(), {.listen = listen},
                   [&](const http_server_request& request) { return endpoints.answer(request); });
  stop_request stop(loop);
  const int code = run_loop(
      loop, serve_and_shut_down(**app, http, stop),
      [&] {
        stop.set();
        (*app)->request_stop();
      },
      true);
  (*app)->close();
  spdlog::info("stopped");
  return code;
}

}  // namespace

void add_run(CLI::App& app, invocation& to_run) {
  auto* command =
      app.add_subcommand("run", "The daemon: jobs on their schedule, health and metrics")->group("Service");
  auto allow_untrained = std::make_shared<bool>(false);
  command->add_flag("--allow-untrained", *allow_untrained, "Send vectors of the untrained model");
  command->footer("Holds the state folder. SIGTERM drains and exits 0; a second signal exits at once.");
  command->callback([&to_run, allow_untrained] {
    to_run.action = [&to_run, allow_untrained] { return run_daemon(to_run, *allow_untrained); };
  });
}

}  // namespace catwalk::daemon
