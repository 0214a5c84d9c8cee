#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "embed/models.hpp"
#include "embed/tower_weights.hpp"

namespace catwalk::embed {

/// A text tower with the vocabulary that belongs to it, as it is stored: `to_json` of `clip_vocabulary` or,
/// for SigLIP, of `unigram_vocabulary`.
struct imported_text {
  text_weights weights;
  std::string vocabulary;
};

/// A model as an importer read it, before it is stored.
struct imported_model {
  vision_weights weights;
  std::optional<imported_text> text;
  std::string no_text;        ///< why there is no text, in words for an error; empty where there is
  std::string format;         ///< "Hugging Face", "OpenAI TorchScript", "open_clip"
  std::string source_sha256;  ///< of the source, where it is one file; else empty
  /// Of a script: what is stored in the place of its tensors. Empty for all else.
  std::filesystem::path archive = {};
};

/// Finds out what `source` is by looking into it, and reads its towers. `vocabulary` names the file or folder
/// of a CLIP vocabulary that is not beside the weights. Errors: `model_missing`, `io`, and `model_invalid`
/// saying what was found instead of a model.
result<imported_model> read_model(const std::filesystem::path& source,
                                  const std::optional<std::filesystem::path>& vocabulary = {});

/// A folder with `config.json` of a CLIPModel, CLIPVisionModelWithProjection or SiglipModel,
/// `model.safetensors` (or shards with `model.safetensors.index.json`), optionally `preprocessor_config.json`
/// and the tokenizer's files.
result<imported_model> read_hugging_face(const std::filesystem::path& folder,
                                         const std::optional<std::filesystem::path>& vocabulary);

/// OpenAI's own archive: a TorchScript module whose image tower lies under `visual.*`. Its vocabulary is
/// looked for beside it, as `bpe_simple_vocab_16e6.txt.gz`.
result<imported_model> read_openai(const std::filesystem::path& file,
                                   const std::optional<std::filesystem::path>& vocabulary);

/// Any TorchScript archive whose module takes pictures as `described` says (embed/script_module.hpp). Errors:
/// `model_invalid`, saying in what it differs.
result<imported_model> read_script(const std::filesystem::path& file, const script_description& described);

/// A sentence-transformers folder: `modules.json`, whose first module is a Hugging Face folder.
result<imported_model> read_sentence_transformers(const std::filesystem::path& folder,
                                                  const std::optional<std::filesystem::path>& vocabulary);

/// An open_clip folder: `open_clip_config.json` and `open_clip_model.safetensors`, with open_clip's own
/// transformer or timm's SigLIP as its image tower.
result<imported_model> read_open_clip(const std::filesystem::path& folder,
                                      const std::optional<std::filesystem::path>& vocabulary);

/// The tensors of `folder`/`stem`.safetensors, or of its shards. Errors: `model_invalid`, where there are
/// only pickles too.
result<tensor_map> read_weight_files(const std::filesystem::path& folder, const std::string& stem);

/// The file that `read_weight_files` reads, for errors: the single one, or the shards' index.
std::filesystem::path weights_file_of(const std::filesystem::path& folder, const std::string& stem);

/// Gives `model` its text tower, with the vocabulary at `vocabulary`, else the one in `folder` (empty: none):
/// for CLIP any that `clip_vocabulary::find` knows, for SigLIP `spiece.model` or `tokenizer.json`. Without
/// any `model.no_text` says so. Errors: a vocabulary that cannot be read or does not fit the tower; weights
/// that are not finite.
result<void> attach_text(imported_model& model, text_weights text,
                         const std::optional<std::filesystem::path>& vocabulary,
                         const std::filesystem::path& folder);

}  // namespace catwalk::embed
