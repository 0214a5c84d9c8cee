// Writes what the image stages make of files, for the Python tests to compare with Pillow and transformers:
//   embed_stage_dump OUT [--size N] [--max-pixels N] [--max-memory N] [--decode exact|fast]
//   < list of files, one per line
// For input i: OUT/i.rgb (decoded, height * width * 3), OUT/i.chw (preprocessed, 3 * N * N) and OUT/i.f32
// (the same, normalised, as floats); one JSON line each on stdout: {"input", "format", "width", "height"} or
// {"input", "error": {"code", "message"}}.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "embed/image.hpp"
#include "embed/preprocess.hpp"

namespace {

using namespace catwalk;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_file(const std::filesystem::path& path, const std::uint8_t* bytes, std::size_t size) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes), static_cast<std::streamsize>(size));
}

nlohmann::json failed(const std::string& input, const error& e) {
  return {{"input", input}, {"error", {{"code", name_of(e.code)}, {"message", e.to_string()}}}};
}

nlohmann::json dump(const std::string& input, const std::filesystem::path& to,
                    const embed::decode_limits& limits, const embed::preprocess_spec& spec, bool fast) {
  const auto bytes = read_file(input);
  const auto header = embed::read_image_header(bytes, input, limits);
  if (!header) return failed(input, header.error());
  const auto image = embed::decode_image_for(fast ? spec.size : 0, bytes, input, limits);
  if (!image) return failed(input, image.error());
  write_file(to.string() + ".rgb", image->pixels.get(), image->size_bytes());
  std::vector<std::uint8_t> planar(spec.input_bytes());
  if (const auto done = embed::preprocess_into(*image, spec, planar.data()); !done)
    return failed(input, done.error());
  write_file(to.string() + ".chw", planar.data(), planar.size());
  std::vector<float> normal(planar.size());
  embed::normalise(planar.data(), spec, normal.data());
  write_file(to.string() + ".f32", reinterpret_cast<const std::uint8_t*>(normal.data()),
             normal.size() * sizeof(float));
  return {{"input", input},
          {"format", embed::name_of(header->format)},
          {"eighths", image->scale ? image->scale->eighths : 8},
          {"width", image->width},
          {"height", image->height}};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty() || arguments.size() % 2 == 0) {
    std::cerr
        << "usage: embed_stage_dump OUT [--size N] [--max-pixels N] [--max-memory N] [--decode exact|fast] < "
           "files\n";
    return 2;
  }
  embed::decode_limits limits;
  embed::preprocess_spec spec;
  bool fast = false;
  for (std::size_t i = 1; i < arguments.size(); i += 2) {
    if (arguments[i] == "--size") spec.size = std::stoi(arguments[i + 1]);
    if (arguments[i] == "--max-pixels") limits.max_pixels = std::stoull(arguments[i + 1]);
    if (arguments[i] == "--decode") fast = arguments[i + 1] == "fast";
    if (arguments[i] == "--max-memory") limits.max_memory = std::stoull(arguments[i + 1]);
  }
  const std::filesystem::path out = arguments[0];
  std::string input;
  for (int i = 0; std::getline(std::cin, input); ++i)
    std::cout << dump(input, out / std::to_string(i), limits, spec, fast).dump() << '\n';
}
