#pragma once
#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "embed/safetensors.hpp"
#include "embed/text_tower.hpp"
#include "embed/vision_tower.hpp"

namespace catwalk::embed {

/// Tensors by name, on the CPU.
using tensor_map = std::map<std::string, at::Tensor>;
using shape_map = std::map<std::string, std::vector<std::int64_t>>;

/// A tower with its tensors by canonical name (`shapes()` of the tower), as fp32, fp16 or bf16.
template <class Tower>
struct tower_weights {
  Tower tower;
  tensor_map tensors;
};
using vision_weights = tower_weights<vision_tower>;
using text_weights = tower_weights<text_tower>;

/// A tensor over the mapped bytes, without a copy where they are aligned. `archive` stays alive as long as
/// the tensor.
at::Tensor as_tensor(const std::shared_ptr<const safetensors>& archive, const tensor_view& view);
/// All of them.
tensor_map as_tensors(const std::shared_ptr<const safetensors>& archive);

/// Every tensor of `shapes` there, none besides, each of its shape and a floating type; with `finite`,
/// without NaN and infinity. Errors: `model_invalid`, naming `on` and the tensor.
result<void> check_tensors(const tensor_map& tensors, const shape_map& shapes, const std::string& on,
                           bool finite);

/// Lower-case hex SHA-256 over `description`, a newline, and for each tensor in the order of names: its
/// name, a blank, its shape as JSON, a newline, and its elements as little-endian fp32. So the same weights
/// have one fingerprint, whatever file and whatever (narrower) type they came in.
std::string fingerprint_of(const nlohmann::json& description, const tensor_map& tensors);

/// Errors: `io`, `disk_full`.
result<void> save_tensors(const std::filesystem::path& file, const tensor_map& tensors);
/// The mapped tensors of a stored model, checked for names, shapes and types. Errors: as of
/// `safetensors::open_file`.
result<tensor_map> load_tensors(const std::filesystem::path& file, const shape_map& shapes);

template <class Tower>
result<void> check_weights(const tower_weights<Tower>& weights, const std::string& on, bool finite) {
  return check_tensors(weights.tensors, weights.tower.shapes(), on, finite);
}
template <class Tower>
std::string fingerprint_of(const tower_weights<Tower>& weights) {
  return fingerprint_of(to_json(weights.tower), weights.tensors);
}
template <class Tower>
result<tower_weights<Tower>> load_weights(const std::filesystem::path& file, const Tower& tower) {
  auto tensors = load_tensors(file, tower.shapes());
  if (!tensors) return tensors.error();
  return tower_weights<Tower>{tower, std::move(*tensors)};
}

}  // namespace catwalk::embed
