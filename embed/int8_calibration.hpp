#pragma once
#include <ATen/core/Tensor.h>

#include <filesystem>

#include "core/error.hpp"
#include "embed/model_folder.hpp"
#include "embed/tower_weights.hpp"

namespace catwalk::embed {

/// What int8 knows of a tower's activations. Before each linear layer L of block i (`qkv`, `out`, `fc1`,
/// `fc2`) they become bytes as z = (x - shift) / scale, by channel; what stands before the layer and its
/// weights take both in, so that the layer's answer is the same and no channel's outliers spoil the others
/// (Xiao et al., SmoothQuant, 2023; Wei et al., Outlier Suppression+, 2023). The tensors are
/// `blocks.i.L.shift` and `.scale` [inputs], and `.zero` [1]: the byte that stands for 0, by how far z
/// reaches to either side.
using int8_calibration = tensor_map;

/// Finds them by what `pixels` (uint8 [count, 3, size, size]) become inside the tower, in fp32. Of several
/// scales it takes the one with the least expected noise in the layer's answer.
int8_calibration calibrate(const vision_weights& weights, const at::Tensor& pixels);

/// Drawn pictures, the same everywhere: blots, squares and grain of many sizes.
at::Tensor drawn_pictures(const vision_tower& tower);

/// The pictures in `folder` as the tower takes them, by name, some thousand tokens of them. Errors: `io`, and
/// `invalid_argument` where none can be read.
result<at::Tensor> read_pictures(const std::filesystem::path& folder, const vision_tower& tower);

/// The calibration kept in the model's folder; where there is none it is made with drawn pictures, and kept
/// where the folder can be written. Errors: none of the file's (it is made again).
int8_calibration calibration_of(const model_folder& folder, const vision_weights& weights);

/// Keeps a calibration in the model's folder. Errors: `io`, `disk_full`.
result<void> keep_calibration(const std::filesystem::path& folder, const int8_calibration& calibration);

}  // namespace catwalk::embed
