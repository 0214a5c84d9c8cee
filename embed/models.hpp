#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "embed/encoder.hpp"
#include "embed/preprocess.hpp"

namespace catwalk::embed {

/// A model folder in `embed.models_dir`: `model.json` (description, fingerprints, provenance of the weights),
/// `weights.safetensors` (canonical names; `module.pt` in its place for a TorchScript module) and, where it
/// embeds texts too, `text.safetensors` and its vocabulary.
struct stored_model {
  std::filesystem::path dir;
  model_info info;
  std::string text_fingerprint;  ///< SHA-256 of the text tower; empty where there is none
  /// The fingerprints that the same towers have where vectors keep their length; empty: not computed yet.
  std::string raw_fingerprint, raw_text_fingerprint;
  std::string no_text;        ///< why there is no text tower, in words; empty where there is one
  std::string source;         ///< where it came from: a folder, a file, an address
  std::string source_sha256;  ///< of the file it was imported from, where there was one
  std::map<std::string, std::string>
      files;                        ///< from a hub: SHA-256 of each large file, checked against the hub's
  std::vector<std::string> proven;  ///< precisions that gave the published numbers (published_record.hpp)
  std::string problem;              ///< in a list: why the model cannot be used; empty where it can
};

/// What a TorchScript module does not tell about itself.
struct script_description {
  std::int64_t dim = 0;                 ///< numbers of a vector
  std::int64_t image_size = 0;          ///< pixels on a side
  std::array<double, 3> mean{}, std{};  ///< RGB, of values in [0, 1]
  interpolation filter = interpolation::bicubic;
  fit fitting = fit::crop;
};

/// Detects the format of `source` by looking and stores the model as `name` (default: from its source).
/// Replaces nothing: an existing model of that name with another fingerprint is an error unless `force`.
struct import_request {
  std::filesystem::path source;
  std::optional<std::string> name;
  bool force = false;
  std::optional<std::filesystem::path> vocabulary = {};  ///< of a text tower, where it is not beside `source`
  std::optional<std::filesystem::path> calibration = {};  ///< folder of pictures for int8; else drawn ones
  std::string origin = {};  ///< recorded as `stored_model::source` (an address); empty: the path of `source`
  std::string source_sha256 = {};  ///< recorded where the importer does not hash one file itself
  std::map<std::string, std::string> files = {};  ///< recorded as `stored_model::files`
  std::optional<script_description> script = {};  ///< `source` is a TorchScript module of this kind
};
result<stored_model> import_model(const std::filesystem::path& models_dir, const import_request& request);

/// Makes a CLIP ViT-B/32 with weights seeded by `seed` (matrices with standard deviation 0.05, so that
/// different images get clearly different vectors). Its name is "untrained" and its vectors say so wherever
/// they appear.
result<stored_model> make_untrained_model(const std::filesystem::path& models_dir, std::uint64_t seed);

/// By name. A damaged model is listed with its name and `problem` alone.
result<std::vector<stored_model>> list_models(const std::filesystem::path& models_dir);
/// `name` as stored; `model_missing` names the folder looked at and `catwalk model pull`.
result<stored_model> find_model(const std::filesystem::path& models_dir, const std::string& name);
/// The model whose vectors keep their length, as tables of February 2026 hold them: another fingerprint, the
/// same weights. Takes seconds where the fingerprint is not stored. Errors: as of verify_model().
result<stored_model> without_normalising(stored_model model);
result<void> remove_model(const std::filesystem::path& models_dir, const std::string& name);
/// Reads every tensor again and compares fingerprints.
result<void> verify_model(const stored_model& model);

/// The model that a bare `catwalk model pull` downloads: OpenAI's own ViT-B-32.pt.
struct published_model {
  std::string name;  ///< "clip-vit-b-32"
  std::string url;
  std::string sha256;
};
const published_model& default_published_model();
/// The vocabulary that belongs to it, from the same authors' repository.
const published_model& default_published_vocabulary();

}  // namespace catwalk::embed
