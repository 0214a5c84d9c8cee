#include "embed/model_bench.hpp"

#include <exception>
#include <utility>

#include "core/thrown.hpp"
#include "embed/forward_rate.hpp"
#include "embed/model_folder.hpp"
#include "embed/pool_plan.hpp"

namespace catwalk::embed {
namespace {

using namespace std::chrono_literals;

error failed(const std::string& model, const std::exception& e) {
  return with_cause(
      {errc::device, "cannot measure the model", model, "", "try embed.device: cpu, and smaller batches"}, e);
}

}  // namespace

result<model_bench> bench_model(const stored_model& model, const pool_options& options,
                                const bench_options& what,
                                const std::function<void(const bench_line&)>& on_line) {
  const auto folder = open_model_folder(model);
  if (!folder) return folder.error();
  const auto chosen = pool_device(*folder, options);
  if (!chosen) return chosen.error();
  model_bench bench;
  bench.device = chosen->device_name;
  bench.precision = chosen->precision_name;
  bench.plan = given_plan(options, *chosen);
  bench.machine = describe_machine(bench.plan.workers * bench.plan.intra_op);
  auto precisions = what.precisions;
  if (precisions.empty())
    precisions = chosen->device.is_cuda() ? std::vector<std::string>{"fp32", "bf16", "fp16"}
                                          : std::vector<std::string>{"fp32", "bf16", "int8"};
  for (const auto& precision : precisions) {
    const auto on = choose_device(options.device, precision);
    const auto module = on ? vision_module::load(*folder, *on) : result<vision_module>(on.error());
    if (!module) {
      if (!what.precisions.empty() || module.error().code != errc::invalid_config) return module.error();
      bench.not_taken.push_back(precision + ": " + module.error().why);
      continue;
    }
    try {
      for (const int batch : what.batches) {
        auto plan = bench.plan;
        plan.batch = batch;
        measure_forward(*module, *on, folder->tower.image_size, plan, 0ms);
        const auto rate = measure_forward(*module, *on, folder->tower.image_size, plan, what.each);
        bench.lines.push_back({precision, batch, rate.per_second(), rate.cpu_per_image()});
        if (on_line) on_line(bench.lines.back());
      }
    } catch (const std::exception& e) {
      return failed(model.info.name, e);
    }
  }
  const auto module = vision_module::load(*folder, *chosen);
  if (!module) return module.error();
  try {
    bench.plan = measured_plan_for(*module, *folder, *chosen, options, measuring::anew);
  } catch (const std::exception& e) {
    return failed(model.info.name, e);
  }
  return bench;
}

}  // namespace catwalk::embed
