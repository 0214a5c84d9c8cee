#pragma once
#include "core/error.hpp"
#include "embed/compute_device.hpp"
#include "embed/model_folder.hpp"
#include "embed/thread_plan.hpp"
#include "embed/vision_module.hpp"
#include "embed/worker_pool.hpp"

namespace catwalk::embed {

/// The device that the pool runs this model on, as its options and the model say: scripts run in fp32.
/// Errors: those of choose_device().
result<compute_device> pool_device(const model_folder& folder, const pool_options& options);

/// The plan that the options give, with the usual values for what they leave open.
thread_plan given_plan(const pool_options& options, const compute_device& on);

/// Whether the pool takes what was measured before, measures where nothing was, or measures in any case.
enum class measuring { never, if_needed, anew };

/// The given plan, with what the options leave open as it was measured on this machine, for this model and
/// this torch. A measurement is kept in `options.measurements`, where that can be written; it takes a second
/// or two, some more with slow models. Throws what torch throws.
thread_plan measured_plan_for(const vision_module& module, const model_folder& folder,
                              const compute_device& on, const pool_options& options, measuring how);

}  // namespace catwalk::embed
