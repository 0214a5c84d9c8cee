#pragma once
// A CLIP vision model of two layers in Hugging Face's format, small enough to embed an image in a
// millisecond.
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "embed/safetensors.hpp"

namespace catwalk::embed::samples {

/// A folder of its own under the system's temporary one, removed at the end.
struct scratch_folder {
  scratch_folder() {
    static std::atomic<int> number{0};
    path = std::filesystem::temp_directory_path() /
           ("catwalk-embed-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
    std::filesystem::create_directories(path);
  }
  ~scratch_folder() { std::filesystem::remove_all(path); }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  std::filesystem::path path;
};

using raw_tensors = std::map<std::string, std::pair<std::vector<std::int64_t>, std::vector<float>>>;

struct tiny_options {
  unsigned seed = 1;
  bool bf16 = false;  ///< the numbers are exact in bfloat16: both files hold the same model
  nlohmann::json vision = nlohmann::json::object();               ///< replaces entries of vision_config
  std::function<void(raw_tensors&)> spoil = [](raw_tensors&) {};  ///< changes tensors before they are written
};

/// Writes `config.json` and `model.safetensors`. width 64, 2 layers, 2 heads, patches of 16 on 64 pixels, 32
/// numbers.
inline void write_tiny_model(const std::filesystem::path& folder, const tiny_options& options = {}) {
  constexpr std::int64_t width = 64, mlp = 96, patch = 16, size = 64, dim = 32;
  raw_tensors tensors;
  auto state = options.seed * 2654435761U + 1;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, float base = 0) {
    std::int64_t count = 1;
    for (const auto n : shape) count *= n;
    std::vector<float> values;
    for (std::int64_t i = 0; i < count; ++i) {
      state = state * 1664525U + 1013904223U;
      values.push_back(base + static_cast<float>(static_cast<int>(state >> 27) - 16) / 128.0F);
    }
    tensors[name] = {std::move(shape), std::move(values)};
  };
  const auto pair = [&](const std::string& name, std::vector<std::int64_t> shape, float base = 0) {
    add(name + ".bias", {shape[0]});
    add(name + ".weight", std::move(shape), base);
  };
  const std::string root = "vision_model.";
  add(root + "embeddings.class_embedding", {width});
  add(root + "embeddings.patch_embedding.weight", {width, 3, patch, patch});
  add(root + "embeddings.position_embedding.weight", {(size / patch) * (size / patch) + 1, width});
  pair(root + "pre_layrnorm", {width}, 1);
  pair(root + "post_layernorm", {width}, 1);
  add("visual_projection.weight", {dim, width});
  for (int i = 0; i < 2; ++i) {
    const auto layer = root + "encoder.layers." + std::to_string(i) + ".";
    for (const std::string part : {"q", "k", "v", "out"})
      pair(layer + "self_attn." + part + "_proj", {width, width});
    pair(layer + "layer_norm1", {width}, 1);
    pair(layer + "layer_norm2", {width}, 1);
    pair(layer + "mlp.fc1", {mlp, width});
    pair(layer + "mlp.fc2", {width, mlp});
  }
  options.spoil(tensors);

  std::map<std::string, tensor_view, std::less<>> views;
  std::vector<std::vector<std::uint16_t>> halves;
  for (const auto& [name, tensor] : tensors) {
    const auto& [shape, values] = tensor;
    if (options.bf16) {
      auto& half = halves.emplace_back();
      for (const float v : values)
        half.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(v) >> 16));
      views[name] = {tensor_type::bf16, shape, std::as_bytes(std::span(half))};
    } else {
      views[name] = {tensor_type::f32, shape, std::as_bytes(std::span(values))};
    }
  }
  std::filesystem::create_directories(folder);
  write_safetensors(folder / "model.safetensors", views).value();
  nlohmann::json config{{"model_type", "clip"},
                        {"vision_config",
                         {{"hidden_size", width},
                          {"intermediate_size", mlp},
                          {"num_hidden_layers", 2},
                          {"num_attention_heads", 2},
                          {"image_size", size},
                          {"patch_size", patch},
                          {"hidden_act", "quick_gelu"}}}};
  config["vision_config"].update(options.vision);
  std::ofstream(folder / "config.json") << config.dump();
}

}  // namespace catwalk::embed::samples
