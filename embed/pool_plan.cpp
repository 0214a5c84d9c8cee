#include "embed/pool_plan.hpp"

#include <torch/version.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "embed/forward_rate.hpp"
#include "embed/pass_size.hpp"

namespace catwalk::embed {
namespace {

using namespace std::chrono_literals;

/// Of one candidate, in each of its rounds.
constexpr auto round_length = 150ms;
/// Beyond this a pass is measured on fewer pictures.
constexpr double longest_pass = 0.25;
constexpr int rounds = 2;
constexpr int enough_pictures = 8;

int threads_of(const pool_options& options) {
  return options.threads.value_or(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
}

/// The best of some rounds of each, taken in turns, so that what disturbs the machine disturbs all alike.
template <class Measure>
std::vector<measured_plan> best_of(const std::vector<thread_plan>& plans, const Measure& measure) {
  std::vector<measured_plan> best;
  best.reserve(plans.size());
  for (const auto& plan : plans) best.push_back({plan, 0});
  for (int round = 0; round < rounds; ++round)
    for (auto& one : best) one.images_per_second = std::max(one.images_per_second, measure(one.plan));
  return best;
}

/// What a kept plan belongs to: machine, torch, model, device, precision, and the choices that were given.
std::string key_of(const model_folder& folder, const compute_device& on, const pool_options& options) {
  return describe_machine(threads_of(options)) + "; torch " TORCH_VERSION "; " + folder.tower.architecture() +
         "; " + on.device_name + " " + on.precision_name + (options.threads ? "; threads given" : "") +
         (options.batch ? "; batch " + std::to_string(*options.batch) : "");
}

thread_plan measure_plan(const vision_module& module, const model_folder& folder, const compute_device& on,
                         const pool_options& options) {
  const auto run = [&](thread_plan plan, int batch, std::chrono::milliseconds at_least) {
    plan.batch = batch;
    return measure_forward(module, on, folder.tower.image_size, plan, at_least);
  };
  // The first pass of all is slow: torch and oneDNN prepare what they keep.
  run({1, 1, 1}, 1, 0ms);
  const double picture = run({1, 1, 1}, 1, 0ms).seconds;
  const int pictures =
      static_cast<int>(pass_size(std::max(static_cast<int>(longest_pass / picture), 1), enough_pictures));
  auto chosen = given_plan(options, on);
  if (!options.threads) {
    const auto plans = plans_to_measure(threads_of(options), chosen.batch);
    for (const auto& plan : plans) run(plan, pictures, 0ms);
    chosen = choose_plan(best_of(
        plans, [&](const thread_plan& plan) { return run(plan, pictures, round_length).per_second(); }));
  }
  if (options.batch) return chosen;
  // Where a picture takes a good part of a second, nothing is gained by many at once.
  if (pictures < enough_pictures) {
    chosen.batch = enough_pictures;
    return chosen;
  }
  std::vector<thread_plan> plans;
  plans.reserve(std::size(batches_to_measure));
  for (const int batch : batches_to_measure) plans.push_back({chosen.workers, chosen.intra_op, batch});
  chosen.batch = choose_batch(best_of(
      plans, [&](const thread_plan& plan) { return run(plan, plan.batch, round_length).per_second(); }));
  return chosen;
}

}  // namespace

result<compute_device> pool_device(const model_folder& folder, const pool_options& options) {
  const bool script = folder.tower.kind == vision_kind::script;
  return choose_device(options.device, script && options.precision == "auto" ? "fp32" : options.precision);
}

thread_plan given_plan(const pool_options& options, const compute_device& on) {
  constexpr int usual_batch = 32;
  return usual_plan(threads_of(options), options.batch.value_or(usual_batch), on.device.is_cuda());
}

thread_plan measured_plan_for(const vision_module& module, const model_folder& folder,
                              const compute_device& on, const pool_options& options, measuring how) {
  const auto usual = given_plan(options, on);
  // On a GPU threads only hand work over.
  if (on.device.is_cuda() || (options.threads && options.batch)) return usual;
  const kept_plans kept(options.measurements);
  const auto key = key_of(folder, on, options);
  if (how != measuring::anew)
    if (const auto found = kept.find(key)) return *found;
  if (how == measuring::never) return usual;
  const auto plan = measure_plan(module, folder, on, options);
  // Where the folder is read-only it is measured again at the next start.
  (void)kept.keep(key, plan);
  return plan;
}

}  // namespace catwalk::embed
