#pragma once
#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "embed/safetensors.hpp"
#include "embed/vision_tower.hpp"

namespace catwalk::embed {

/// A vision tower with its tensors by canonical name (`vision_tower::shapes`), on the CPU, as fp32, fp16 or
/// bf16.
struct vision_weights {
  vision_tower tower;
  std::map<std::string, at::Tensor> tensors;
};

/// A tensor over the mapped bytes, without a copy where they are aligned. `archive` stays alive as long as
/// the tensor.
at::Tensor as_tensor(const std::shared_ptr<const safetensors>& archive, const tensor_view& view);

/// Every canonical tensor there, none besides, each of its shape and a floating type; with `finite`, without
/// NaN and infinity. Errors: `model_invalid`, naming `on` and the tensor.
result<void> check_weights(const vision_weights& weights, const std::string& on, bool finite);

/// Lower-case hex SHA-256 over `to_json(tower)`, a newline, and for each tensor in the order of names: its
/// name, a blank, its shape as JSON, a newline, and its elements as little-endian fp32. So the same weights
/// have one fingerprint, whatever file and whatever (narrower) type they came in.
std::string fingerprint_of(const vision_weights& weights);

/// Errors: `io`, `disk_full`.
result<void> save_weights(const std::filesystem::path& file, const vision_weights& weights);
/// The mapped tensors of a stored model, checked for names, shapes and types. Errors: as of
/// `safetensors::open_file`.
result<vision_weights> load_weights(const std::filesystem::path& file, const vision_tower& tower);

}  // namespace catwalk::embed
