#include "embed/forward_rate.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <sys/resource.h>

#include <atomic>
#include <barrier>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/clock.hpp"

namespace catwalk::embed {
namespace {

double cpu_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

double seconds_since(steady_time begun) {
  return std::chrono::duration<double>(steady_now() - begun).count();
}

}  // namespace

forward_rate measure_forward(const vision_module& module, const compute_device& on, std::int64_t image_size,
                             const thread_plan& plan, std::chrono::milliseconds at_least) {
  auto pixels = at::randint(0, 256, {plan.batch, 3, image_size, image_size}, at::kByte);
  if (on.device.is_cuda()) pixels = pixels.pin_memory();
  const auto pass = [&] { module.forward(pixels.to(on.device, at::kByte, true)).to(at::kCPU); };

  std::atomic<std::int64_t> images = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  steady_time begun;
  double cpu = 0;
  std::barrier ready(plan.workers, [&]() noexcept {
    begun = steady_now();
    cpu = cpu_seconds();
  });
  const auto work = [&] {
    bool waiting = true;  // the others wait for this thread
    try {
      at::set_num_threads(plan.intra_op);
      const c10::InferenceMode inference;
      const own_stream stream(on);
      // A stream asks the device for its memory in its first pass.
      if (on.device.is_cuda()) pass();
      ready.arrive_and_wait();
      waiting = false;
      do {
        pass();
        images += plan.batch;
      } while (steady_now() - begun < at_least);
    } catch (const std::exception&) {
      if (waiting) ready.arrive_and_drop();
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
    }
  };
  std::vector<std::thread> workers;
  workers.reserve(static_cast<std::size_t>(plan.workers));
  for (int i = 0; i < plan.workers; ++i) workers.emplace_back(work);
  for (auto& worker : workers) worker.join();
  if (failure) std::rethrow_exception(failure);
  return {images, seconds_since(begun), cpu_seconds() - cpu};
}

}  // namespace catwalk::embed
