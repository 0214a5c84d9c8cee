#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "embed/models.hpp"
#include "embed/thread_plan.hpp"
#include "embed/worker_pool.hpp"

namespace catwalk::embed {

struct bench_options {
  std::vector<std::string> precisions;  ///< empty: all that the device has
  std::vector<int> batches{1, 8, 32, 64};
  std::chrono::milliseconds each{2'000};  ///< how long one line is measured
};

/// One precision and batch size.
struct bench_line {
  std::string precision;
  int batch = 0;
  double images_per_second = 0;
  double cpu_seconds_per_image = 0;
};

struct model_bench {
  std::string machine;  ///< the processor and what it was told to stay within
  std::string device;
  std::vector<bench_line> lines;
  std::vector<std::string> not_taken;  ///< precisions that were not measured, each with the reason
  /// What the pool would run with: the options' values, and for `auto` what was measured.
  std::string precision;
  thread_plan plan;
};

/// Measures forward passes of `model` by precision and batch size, then what the options leave open, and
/// keeps that in `options.measurements`. `on_line` is told each line as it comes. Takes `each` for each line,
/// and the time to load. Errors: those of loading, of the device, and an unknown precision.
result<model_bench> bench_model(const stored_model& model, const pool_options& options,
                                const bench_options& what,
                                const std::function<void(const bench_line&)>& on_line = {});

}  // namespace catwalk::embed
