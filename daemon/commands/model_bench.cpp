#include "embed/model_bench.hpp"

#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "config/duration.hpp"
#include "core/json_text.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/model_choice.hpp"

namespace catwalk::daemon {
namespace {

struct options {
  std::string name, each = "2s";
  std::vector<int> batches{1, 8, 32, 64};
  std::vector<std::string> precisions;
  bool json = false;
};

void print_line(const embed::bench_line& line) {
  std::cout << fmt::format("{:<10} {:>5} {:>10.1f} {:>20.4f}\n", line.precision, line.batch,
                           line.images_per_second, line.cpu_seconds_per_image)
            << std::flush;
}

nlohmann::json as_json(const std::string& model, const embed::model_bench& bench) {
  auto lines = nlohmann::json::array();
  for (const auto& line : bench.lines)
    lines.push_back({{"precision", line.precision},
                     {"batch", line.batch},
                     {"images_per_second", line.images_per_second},
                     {"cpu_seconds_per_image", line.cpu_seconds_per_image}});
  return {{"model", model},
          {"machine", bench.machine},
          {"device", bench.device},
          {"lines", lines},
          {"not_taken", bench.not_taken},
          {"pool",
           {{"precision", bench.precision},
            {"workers", bench.plan.workers},
            {"threads_of_each", bench.plan.intra_op},
            {"batch", bench.plan.batch}}}};
}

int bench(const invocation& to_run, const options& o) {
  const auto each = config::parse_duration(o.each);
  if (!each) return fail({errc::invalid_argument, "--each is not a duration", o.each, "", "write it as 2s"});
  auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  auto& settings = loaded->values;
  if (!o.name.empty()) settings.embed.model = o.name;
  const auto model = choose_model(settings, loaded->state_dir / settings.embed.models_dir);
  if (!model) return fail(model.error());
  auto pool = pool_options_of(settings, loaded->state_dir);
  if (!o.json)
    std::cout << fmt::format("{:<10} {:>5} {:>10} {:>20}\n", "precision", "batch", "images/s",
                             "CPU seconds/image");
  const auto on_line = o.json ? std::function<void(const embed::bench_line&)>() : print_line;
  const auto done = embed::bench_model(*model, pool, {o.precisions, o.batches, *each}, on_line);
  if (!done) return fail(done.error());
  if (o.json) {
    std::cout << json_text(as_json(model->info.name, *done), 2) << '\n';
    return exit_done;
  }
  for (const auto& why : done->not_taken) std::cout << "not taken: " << why << '\n';
  const auto word = [](bool given) { return given ? "as configured" : "auto"; };
  std::cout << fmt::format(
      "{} on {} ({}) runs with: precision {} ({}), {} workers with {} threads each ({}), batches of at most "
      "{} ({})\n",
      model->info.name, done->device, done->machine, done->precision,
      word(settings.embed.precision != "auto"), done->plan.workers, done->plan.intra_op,
      word(settings.embed.threads.has_value()), done->plan.batch, word(settings.embed.batch.has_value()));
  return exit_done;
}

}  // namespace

void add_model_bench(CLI::App& model, invocation& to_run) {
  auto* command = model.add_subcommand("bench", "How fast a model is on this machine, and what auto picks");
  auto o = std::make_shared<options>();
  command->add_option("NAME", o->name, "A stored model (default: the one that embed.model names)");
  command->add_option("--batch", o->batches, "Pictures in one forward pass (default 1,8,32,64)")
      ->delimiter(',')
      ->type_name("N,…")
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--precision", o->precisions,
                   "fp32, bf16, int8, fp16 (default: all that the device is fast at)")
      ->delimiter(',')
      ->type_name("P,…");
  command->add_option("--each", o->each, "How long each line is measured (default 2s)")->type_name("D");
  command->add_flag("--json", o->json, "JSON instead of a table");
  command->footer(
      "Forward passes over noise, without decoding. What it measures for embed.threads and embed.batch: auto "
      "is kept and taken from the next start on; let the machine rest meanwhile. Works by itself; a running "
      "daemon is not disturbed.");
  command->callback([&to_run, o] { to_run.action = [&to_run, o] { return bench(to_run, *o); }; });
}

}  // namespace catwalk::daemon
