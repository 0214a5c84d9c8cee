#include "daemon/backfill.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <iostream>
#include <optional>

#include "core/clock.hpp"
#include "core/json_text.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct backfill_options {
  bool missing = false, stale = false, all = false, allow_untrained = false, json = false;
  std::optional<double> rate;
  std::optional<std::string> backend;  ///< instead of embed.backend
};

backfill::kind kind_of(const backfill_options& options) {
  return options.all ? backfill::kind::all : options.stale ? backfill::kind::stale : backfill::kind::missing;
}

/// Says how far it is, every few seconds.
class progress_report {
 public:
  void operator()(const backfill_counts& c) {
    const auto now = steady_now();
    if (now < next_) return;
    next_ = now + std::chrono::seconds(5);
    const double seconds = std::chrono::duration<double>(now - began_).count();
    const auto done = c.done + c.failed;
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    const auto left = std::max<std::int64_t>(0, c.total - done);
    spdlog::info("{} of {} rows, {:.1f}/s, about {} left", done, c.total, rate,
                 rate > 0 ? words(static_cast<double>(left) / rate) : std::string("?"));
  }

 private:
  static std::string words(double seconds) {
    const auto whole = static_cast<std::int64_t>(seconds);
    if (whole < 60) return fmt::format("{} s", whole);
    if (whole < 3600) return fmt::format("{} min", (whole + 59) / 60);
    return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  }
  steady_time began_ = steady_now();
  steady_time next_{};
};

asio::awaitable<int> fill(application& app, backfill_options options, backfill*& running) {
  if (auto started = co_await app.start_encoder(); !started) co_return fail(started.error());
  backfill work(app.loop().get_executor(),
                {*app.sink(), app.catalogue(), app.image_lane(), *app.encoder(), app.settings().fetch,
                 app.loaded().sites},
                {kind_of(options), options.rate});
  running = &work;
  bool stopped = false;
  const auto counts = co_await work.run(progress_report());
  stopped = running == nullptr;
  running = nullptr;
  if (!counts) co_return fail(counts.error());
  if (options.json)
    std::cout << json_text(nlohmann::json{{"wanted", counts->total},
                                          {"done", counts->done},
                                          {"failed", counts->failed},
                                          {"examples", counts->examples}},
                           2)
              << '\n';
  else
    std::cout << fmt::format("{} rows wanted a vector: {} have one now, {} failed\n", counts->total,
                             counts->done, counts->failed);
  if (stopped) co_return exit_interrupted;
  co_return counts->failed > 0 ? exit_partly : exit_done;
}

asio::awaitable<int> fill_and_shut_down(application& app, backfill_options options, backfill*& running) {
  const int code = co_await fill(app, std::move(options), running);
  co_await app.shutdown(app.settings().shutdown_timeout);
  co_return code;
}

int run_backfill(const invocation& to_run, const backfill_options& options) {
  auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  auto& embed = loaded->values.embed;
  if (options.backend) embed.backend = *options.backend;
  if (embed.backend == "remote" && embed.remote.url.empty())
    return fail({errc::invalid_argument, "there is no remote encoder", "--backend remote",
                 "embed.remote.url is not set", "set it, or the variable RAILWAY_EMBEDDINGS_URL"});
  if (loaded->values.sink.kind == "none") return fail_without_sink();
  asio::io_context loop;
  application_options app_options;
  app_options.allow_untrained = options.allow_untrained;
  auto app = application::create(loop, std::move(*loaded), app_options);
  if (!app) return fail(app.error());
  backfill* running = nullptr;
  const int code = run_loop(loop, fill_and_shut_down(**app, options, running), [&] {
    if (running == nullptr) std::_Exit(exit_interrupted);
    running->request_stop();
    running = nullptr;
  });
  (*app)->close();
  return code;
}

}  // namespace

void add_backfill(CLI::App& app, invocation& to_run) {
  auto* command =
      app.add_subcommand("backfill", "Give the sink's rows the vectors that they lack")->group("Catalogue");
  auto options = std::make_shared<backfill_options>();
  auto* which = command->add_option_group("which rows");
  which->add_flag("--missing", options->missing, "Those without a vector (the default)");
  which->add_flag("--stale", options->stale, "Those without one, or with another model's");
  which->add_flag("--all", options->all, "All of them; goes on where it stopped");
  which->require_option(0, 1);
  command->add_option("--rate", options->rate, "At most so many images a second")
      ->type_name("R")
      ->check(CLI::PositiveNumber);
  command->add_option("--backend", options->backend, "What makes the vectors (default embed.backend)")
      ->check(CLI::IsMember({"local", "remote"}))
      ->type_name("local|remote");
  command->add_flag("--allow-untrained", options->allow_untrained, "Send vectors of the untrained model");
  command->add_flag("--json", options->json, "Print the summary as JSON");
  command->footer(
      "Touches nothing but the vector. Killed, it goes on where it was. Stop the daemon first: one process "
      "alone writes catwalk's data (exit code 4).");
  command->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run_backfill(to_run, *options); }; });
}

}  // namespace catwalk::daemon
