#pragma once
#include <cstddef>
#include <string>

#include "embed/text_tokenizer.hpp"
#include "embed/text_tower.hpp"
#include "embed/unigram_vocabulary.hpp"

namespace catwalk::embed {

/// SigLIP's texts, as transformers' SiglipTokenizer cuts them: lower case, without ASCII punctuation, blanks
/// in a row as one; then SentencePiece, the end mark, and end marks up to the context. "</s>" and "<unk>"
/// that are written out stand for themselves. With `text_cleaning::words` (open_clip's own rule) an
/// underscore parts words instead of vanishing.
class siglip_tokenizer final : public text_tokenizer {
 public:
  siglip_tokenizer(unigram_vocabulary vocabulary, std::size_t context, text_cleaning cleaning)
      : vocabulary_(std::move(vocabulary)), context_(context), cleaning_(cleaning) {}

  /// Always `context` ids.
  std::vector<std::int32_t> encode(std::string_view text) const override;

 private:
  void append(std::string_view segment, std::vector<std::int32_t>& ids) const;

  unigram_vocabulary vocabulary_;
  std::size_t context_;
  text_cleaning cleaning_;
};

}  // namespace catwalk::embed
