#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.hpp"
#include "embed/character_map.hpp"

namespace catwalk::embed {

/// SentencePiece's unigram vocabulary (Kudo 2018), as SigLIP's texts are cut with: pieces with the logarithm
/// of their probability, and the map of characters that a text passes first. A blank is written "▁"; texts
/// get one in front, and runs of blanks count as one.
class unigram_vocabulary {
 public:
  struct piece {
    std::string text;
    float score = 0;
    bool mark = false;  ///< "</s>", "<pad>": stands for itself and never comes from a text
  };
  /// Errors: `model_invalid`, naming `on`, where a piece is empty or twice there, or `unknown` or the end
  /// mark
  /// "</s>" is missing.
  static result<unigram_vocabulary> make(std::vector<piece> pieces, std::int32_t unknown, character_map map,
                                         const std::string& on);

  /// What stands in a model's folder: `spiece.model` or `tokenizer.json`. nullopt where there is neither.
  static result<std::optional<unigram_vocabulary>> find(const std::filesystem::path& folder);
  /// One of those files, whatever its name, or a folder with one. Errors: `model_invalid` (also for what this
  /// class does not do: byte fallback, other kinds of model), `io`, `model_missing`.
  static result<unigram_vocabulary> open(const std::filesystem::path& source);

  /// The form that a stored model keeps. The same vocabulary gives the same text, whatever it was read from.
  std::string to_json() const;
  static result<unigram_vocabulary> from_json(std::string_view text, const std::string& on);

  std::int32_t size() const noexcept { return static_cast<std::int32_t>(pieces_.size()); }
  std::int32_t unknown() const noexcept { return unknown_; }
  std::int32_t end() const noexcept { return end_; }

  /// The ids of the most probable way to cut `text` (valid UTF-8) into pieces, as SentencePiece's own
  /// encoder finds it; neighbours that no piece covers are one `unknown()`.
  std::vector<std::int32_t> encode(std::string_view text) const;

 private:
  std::string normalise(std::string_view text) const;
  void build();

  std::vector<piece> pieces_;
  std::int32_t unknown_ = 0, end_ = 0;
  character_map map_;
  float unknown_score_ = 0;
  /// The pieces as a tree of bytes: (node << 8 | byte) to node; node 0 is the root.
  std::unordered_map<std::uint64_t, std::uint32_t> edges_;
  std::vector<std::int32_t> piece_at_;  ///< by node; -1: no piece ends there
};

/// Reads SentencePiece's own file, a `ModelProto` (sentencepiece_model.proto). Errors: as of
/// `unigram_vocabulary::open`.
result<unigram_vocabulary> read_sentencepiece_model(std::string_view bytes, const std::string& on);

}  // namespace catwalk::embed
