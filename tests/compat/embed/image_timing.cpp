// CPU time of decoding and of resizing, per picture:
//   embed_image_timing REPEATS THREADS FILE…
// One JSON line: {"pictures", "threads", "decode_ms", "resize_ms", "wall_ms"}; the first two are CPU
// milliseconds per picture, the last is wall time per picture over all threads.
#include <time.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "embed/image.hpp"
#include "embed/preprocess.hpp"

namespace {

using namespace catwalk;

double thread_milliseconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

struct cost {
  double decode = 0;
  double resize = 0;
  bool failed = false;
};

cost run(const std::vector<std::string>& pictures, int repeats) {
  const embed::preprocess_spec spec;
  std::vector<std::uint8_t> out(spec.input_bytes());
  cost c;
  for (int i = 0; i < repeats; ++i) {
    for (const auto& bytes : pictures) {
      const double start = thread_milliseconds();
      const auto image = embed::decode_image(bytes, "", {});
      const double decoded = thread_milliseconds();
      if (!image || !embed::preprocess_into(*image, spec, out.data())) c.failed = true;
      c.decode += decoded - start;
      c.resize += thread_milliseconds() - decoded;
    }
  }
  return c;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: embed_image_timing REPEATS THREADS FILE...\n";
    return 2;
  }
  const int repeats = std::atoi(argv[1]);
  const int threads = std::atoi(argv[2]);
  std::vector<std::string> pictures;
  for (int i = 3; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    pictures.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  const auto start = std::chrono::steady_clock::now();
  std::vector<cost> costs(static_cast<std::size_t>(threads));
  {
    std::vector<std::jthread> workers;
    for (auto& c : costs) workers.emplace_back([&] { c = run(pictures, repeats); });
  }
  const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - start;
  const double done = static_cast<double>(pictures.size()) * repeats * threads;
  cost total;
  for (const auto& c : costs) {
    total.decode += c.decode;
    total.resize += c.resize;
    total.failed = total.failed || c.failed;
  }
  if (total.failed) {
    std::cerr << "a picture cannot be decoded\n";
    return 1;
  }
  std::cout << nlohmann::json{{"pictures", done},
                              {"threads", threads},
                              {"decode_ms", total.decode / done},
                              {"resize_ms", total.resize / done},
                              {"wall_ms", wall.count() / done}}
                   .dump()
            << '\n';
}
