#pragma once
#include <filesystem>
#include <string>

#include "core/error.hpp"
#include "embed/vision_weights.hpp"

namespace catwalk::embed {

/// A model as an importer read it, before it is stored.
struct imported_model {
  vision_weights weights;
  std::string format;         ///< "Hugging Face", "OpenAI TorchScript"
  std::string source_sha256;  ///< of the source, where it is one file; else empty
};

/// Finds out what `source` is by looking into it, and reads its vision tower. Errors: `model_missing`, `io`,
/// and `model_invalid` saying what was found instead of a model.
result<imported_model> read_model(const std::filesystem::path& source);

/// A folder with `config.json` of a CLIPModel or CLIPVisionModelWithProjection, `model.safetensors` (or
/// shards with `model.safetensors.index.json`), and optionally `preprocessor_config.json`.
result<imported_model> read_hugging_face(const std::filesystem::path& folder);

/// OpenAI's own archive: a TorchScript module whose image tower lies under `visual.*`.
result<imported_model> read_openai(const std::filesystem::path& file);

}  // namespace catwalk::embed
