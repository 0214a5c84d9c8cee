#pragma once
#include <string>
#include <string_view>

namespace catwalk::embed {

/// Cleans a text as CLIP's tokenizer does and hands out its words, one after the other: contractions ('s, 't,
/// 're, 've, 'm, 'll, 'd), stretches of letters, single digits, stretches of anything else but white space.
class clip_words {
 public:
  /// `text` is UTF-8; what is not becomes U+FFFD.
  explicit clip_words(std::string_view text);
  /// False at the end; else `word` is the next one, in UTF-8.
  bool next(std::string& word);

 private:
  std::size_t literal_mark() const noexcept;
  std::size_t contraction() const noexcept;

  std::u32string text_;  ///< cleaned
  std::size_t at_ = 0;
  std::size_t mark_end_ = 0;  ///< up to here a word ends no later: the end of a literal mark
};

}  // namespace catwalk::embed
