#pragma once
#include <chrono>
#include <cstdint>

#include "embed/thread_plan.hpp"
#include "embed/vision_module.hpp"

namespace catwalk::embed {

struct forward_rate {
  std::int64_t images = 0;
  double seconds = 0;      ///< by the clock
  double cpu_seconds = 0;  ///< of the whole process

  double per_second() const noexcept { return static_cast<double>(images) / seconds; }
  double cpu_per_image() const noexcept { return cpu_seconds / static_cast<double>(images); }
};

/// Forward passes alone, as the worker pool makes them: `plan.workers` threads run batches of `plan.batch`
/// pictures of noise for `at_least`, and the pass under way to its end. With 0: one pass each, which warms
/// up. On a GPU each thread makes one more beforehand. Throws what torch throws.
forward_rate measure_forward(const vision_module& module, const compute_device& on, std::int64_t image_size,
                             const thread_plan& plan, std::chrono::milliseconds at_least);

}  // namespace catwalk::embed
