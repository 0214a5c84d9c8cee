#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.hpp"

namespace catwalk::embed {

/// CLIP's byte-pair vocabulary, by number. A symbol is a sequence of bytes, with or without the end of a word
/// behind it; the first 512 are the single bytes of both kinds.
class clip_vocabulary {
 public:
  struct merge {
    std::int32_t rank = 0;  ///< lower ones are applied first
    std::int32_t into = 0;
  };

  /// From tokens and merges as text, in GPT-2's spelling of bytes (`bytes_to_unicode`), "</w>" at the end of
  /// a word. Errors: `model_invalid`, naming `on`, where a byte, a mark, or a part of a merge has no number.
  static result<clip_vocabulary> make(std::unordered_map<std::string, std::int32_t> tokens,
                                      std::vector<std::string> merges, const std::string& on);

  /// What stands in a model's folder, whichever of the published forms it is: `tokenizer.json`, `vocab.json`
  /// with `merges.txt`, or `bpe_simple_vocab_16e6.txt.gz` (also unpacked). nullopt where there is none.
  static result<std::optional<clip_vocabulary>> find(const std::filesystem::path& folder);
  /// One of those files (for `vocab.json` its `merges.txt` lies beside it), or a folder that holds one.
  /// Errors: `model_invalid`, `io`, `model_missing`.
  static result<clip_vocabulary> open(const std::filesystem::path& source);

  /// The form that a stored model keeps: JSON with `tokens` in the order of their numbers and `merges` in the
  /// order of their ranks. The same vocabulary gives the same text, whatever it was read from.
  std::string to_json() const;
  static result<clip_vocabulary> from_json(std::string_view text, const std::string& on);

  std::int32_t start() const noexcept { return start_; }
  std::int32_t end() const noexcept { return end_; }
  /// Numbers run from 0 to one less than this.
  std::int32_t size() const noexcept { return static_cast<std::int32_t>(tokens_.size()); }
  std::int32_t byte(unsigned char value, bool ends_word) const noexcept {
    return (ends_word ? last_bytes_ : bytes_)[value];
  }
  const merge* find_merge(std::int32_t left, std::int32_t right) const noexcept {
    const auto found = merges_.find(key(left, right));
    return found == merges_.end() ? nullptr : &found->second;
  }

 private:
  static std::uint64_t key(std::int32_t left, std::int32_t right) noexcept {
    return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  }

  std::vector<std::string> tokens_;  ///< by number
  std::vector<std::string> merge_texts_;
  std::array<std::int32_t, 256> bytes_{}, last_bytes_{};
  std::unordered_map<std::uint64_t, merge> merges_;
  std::int32_t start_ = 0, end_ = 0;
};

}  // namespace catwalk::embed
