// The forward pass alone, as the worker pool runs it: images per second and CPU time per image.
//
//   forward_bench MODEL_DIR PRECISION WORKERS THREADS SECONDS BATCH…
//
// WORKERS threads with THREADS intra-op threads each share one module. One JSON line per batch size.
#include <ATen/Parallel.h>

#include <chrono>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "embed/forward_rate.hpp"
#include "embed/model_folder.hpp"

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
    const auto module = embed::vision_module::load(folder, on).value();
    for (int i = 6; i < argc; ++i) {
      const embed::thread_plan plan{workers, threads, std::stoi(argv[i])};
      measure_forward(module, on, folder.tower.image_size, plan, {});  // warms up
      const auto rate = measure_forward(module, on, folder.tower.image_size, plan,
                                        std::chrono::milliseconds(std::lround(1000 * seconds)));
      std::cout << nlohmann::json{{"batch", plan.batch},
                                  {"images_per_second", rate.per_second()},
                                  {"cpu_seconds_per_image", rate.cpu_per_image()}}
                       .dump()
                << std::endl;
    }
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
