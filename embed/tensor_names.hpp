#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "embed/tower_weights.hpp"

namespace catwalk::embed {

/// Where a canonical tensor stands in a file.
struct tensor_source {
  std::vector<std::string> names;  ///< several are stacked one below the other
  bool transposed = false;         ///< the file holds [in, out]
};
using naming = std::function<tensor_source(const std::string& canonical)>;

/// transformers' names, under `vision_model.` or `text_model.`: CLIP and SigLIP.
tensor_source hugging_face_vision_names(const std::string& canonical);
tensor_source hugging_face_text_names(const std::string& canonical);
/// OpenAI's names, which open_clip keeps: the image tower under `visual.`, the text tower under `prefix`.
tensor_source openai_vision_names(const std::string& canonical);
tensor_source openai_text_names(const std::string& canonical, const std::string& prefix);
/// timm's vision transformer inside open_clip, `visual.trunk.`, with attention pooling.
tensor_source timm_vision_names(const std::string& canonical);

/// The canonical tensors of `shapes` out of a file's, each in its canonical shape where only dimensions of 1
/// are in the way. Errors: `model_invalid`, naming `on` and the tensor that is missing or has another shape.
result<tensor_map> gather(const tensor_map& file, const shape_map& shapes, const naming& names,
                          const std::string& on);

/// The size of a tensor of a file, for what only tensors tell. Errors: `model_invalid`.
result<std::vector<std::int64_t>> shape_in(const tensor_map& file, const std::string& name, std::size_t rank,
                                           const std::string& on);
/// How many blocks follow each other from 0 on, given the name of a tensor of block N before and behind N.
std::int64_t count_blocks(const tensor_map& file, const std::string& before, const std::string& behind);

}  // namespace catwalk::embed
