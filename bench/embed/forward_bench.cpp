// The forward pass alone, as the worker pool runs it: images per second and CPU time per image.
//
//   forward_bench MODEL_DIR PRECISION WORKERS THREADS SECONDS BATCH…
//
// WORKERS threads with THREADS intra-op threads each share one module. One JSON line per batch size.
#include <ATen/Parallel.h>
#include <sys/resource.h>
#include <torch/script.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "embed/int8_calibration.hpp"
#include "embed/model_folder.hpp"
#include "embed/vision_module.hpp"

namespace {

double cpu_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct rate {
  std::int64_t images = 0;
  double wall = 0, cpu = 0;
};

/// Every worker runs batches for `seconds`, and the one under way to its end.
rate measure(const catwalk::embed::vision_module& module, std::int64_t size, std::int64_t batch, int workers,
             int threads, double seconds) {
  std::atomic<std::int64_t> images = 0;
  const double begun = now(), cpu = cpu_seconds();
  std::vector<std::thread> pool;
  for (int i = 0; i < workers; ++i) {
    pool.emplace_back([&] {
      at::set_num_threads(threads);
      const c10::InferenceMode inference;
      const auto pixels = at::randint(0, 256, {batch, 3, size, size}, at::kByte);
      do {
        module.forward(pixels);
        images += batch;
      } while (now() - begun < seconds);
    });
  }
  for (auto& worker : pool) worker.join();
  return {images, now() - begun, cpu_seconds() - cpu};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace catwalk;
  if (argc < 7) {
    std::cerr << "usage: forward_bench MODEL_DIR PRECISION WORKERS THREADS SECONDS BATCH…\n";
    return 2;
  }
  try {
    const int workers = std::stoi(argv[3]), threads = std::stoi(argv[4]);
    const double seconds = std::stod(argv[5]);
    at::set_num_threads(threads);
    const auto folder = embed::read_model_folder(argv[1]).value();
    const auto on = embed::choose_device("cpu", argv[2]).value();
    auto weights = embed::load_weights(folder.weights_file(), folder.tower).value();
    embed::int8_calibration calibration;
    if (on.int8) calibration = embed::calibration_of(folder, weights);
    const auto module = embed::vision_module::build(weights, on, calibration).value();
    weights.tensors.clear();
    for (int i = 6; i < argc; ++i) {
      const auto batch = std::stoll(argv[i]);
      measure(module, folder.tower.image_size, batch, workers, threads, 0);  // warms up
      const auto r = measure(module, folder.tower.image_size, batch, workers, threads, seconds);
      const auto n = static_cast<double>(r.images);
      std::cout << nlohmann::json{{"batch", batch},
                                  {"images_per_second", n / r.wall},
                                  {"cpu_seconds_per_image", r.cpu / n}}
                       .dump()
                << std::endl;
    }
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
