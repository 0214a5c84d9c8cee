#pragma once
#include <filesystem>
#include <string>

#include "core/error.hpp"
#include "embed/model_import.hpp"
#include "embed/models.hpp"
#include "embed/tower_weights.hpp"

namespace catwalk::embed {

/// A stored model with the description that only this folder needs.
struct model_folder {
  stored_model stored;
  vision_tower tower;
  std::optional<text_tower> text;

  std::filesystem::path weights_file() const {
    return stored.dir / (tower.kind == vision_kind::script ? "module.pt" : "weights.safetensors");
  }
  std::filesystem::path text_weights_file() const { return stored.dir / "text.safetensors"; }
  /// What `imported_text::vocabulary` held.
  std::filesystem::path vocabulary_file() const { return stored.dir / "vocabulary"; }
};

/// Reads and checks `model.json` of the folder. Errors: `model_missing` without one, `model_invalid`.
result<model_folder> read_model_folder(const std::filesystem::path& dir);

/// The folder of `model`, with towers that normalise as it says.
result<model_folder> open_model_folder(const stored_model& model);

/// The image tower's tensors, of a script too. Errors: as of load_weights() and script_weights().
result<vision_weights> vision_weights_of(const model_folder& folder);

/// Computes the fingerprints and stores the towers under `models_dir`/`stored.info.name`, complete or not at
/// all, in the place of what was there. Of `stored` it takes name, untrained, source and source_sha256.
/// Errors: `io`, `disk_full`, `invalid_argument` (a name that is no folder name).
result<stored_model> write_model_folder(const std::filesystem::path& models_dir, stored_model stored,
                                        const imported_model& model);

/// True for lower-case names of letters, digits, `-`, `_` and `.` that do not start with a dot.
bool is_model_name(const std::string& name);

}  // namespace catwalk::embed
