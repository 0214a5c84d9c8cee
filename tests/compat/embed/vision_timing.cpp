// Not a test: images per second and CPU time per image of the forward pass alone, for vision_timing.py.
//   vision_timing MODEL_DIR PRECISION THREADS SECONDS BATCH…   one JSON line per batch size
#include <ATen/Parallel.h>
#include <sys/resource.h>
#include <torch/script.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

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

}  // namespace

int main(int argc, char** argv) {
  using namespace catwalk;
  if (argc < 6) {
    std::cerr << "usage: vision_timing MODEL_DIR PRECISION THREADS SECONDS BATCH…\n";
    return 2;
  }
  try {
    at::set_num_threads(std::stoi(argv[3]));
    const double seconds = std::stod(argv[4]);
    const auto loading = now();
    const auto folder = embed::read_model_folder(argv[1]).value();
    const auto on = embed::choose_device("cpu", argv[2]).value();
    const auto module =
        embed::vision_module::build(embed::load_weights(folder.weights_file(), folder.tower).value(), on)
            .value();
    const double loaded = now() - loading;
    const c10::InferenceMode inference;
    for (int i = 5; i < argc; ++i) {
      const auto batch = std::stoll(argv[i]);
      const auto size = folder.tower.image_size;
      const auto pixels = at::randint(0, 256, {batch, 3, size, size}, at::kByte);
      for (int warm = 0; warm < 3; ++warm) module.forward(pixels);
      std::vector<double> walls, cpus;
      for (const double end = now() + seconds; now() < end || walls.size() < 5;) {
        const double wall = now(), cpu = cpu_seconds();
        module.forward(pixels);
        walls.push_back(now() - wall);
        cpus.push_back(cpu_seconds() - cpu);
      }
      std::sort(walls.begin(), walls.end());
      std::sort(cpus.begin(), cpus.end());
      const auto n = static_cast<double>(batch);
      std::cout << nlohmann::json{{"batch", batch},
                                  {"precision", argv[2]},
                                  {"threads", std::stoi(argv[3])},
                                  {"images_per_second", n / walls[walls.size() / 2]},
                                  {"best", n / walls[0]},
                                  {"cpu_ms_per_image", 1000 * cpus[cpus.size() / 2] / n},
                                  {"load_seconds", loaded}}
                       .dump()
                << std::endl;
    }
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
