#pragma once
#include <cstddef>

#include "embed/clip_vocabulary.hpp"
#include "embed/text_tokenizer.hpp"

namespace catwalk::embed {

/// CLIP's byte-pair encoding. It gives the ids of transformers' CLIPTokenizer, with which the models of
/// Hugging Face and sentence-transformers are used: Unicode NFC, white space to one blank, every character to
/// lower case by itself, nothing else. OpenAI's own tokenizer also repairs text with ftfy and resolves HTML
/// entities, so it differs for texts that hold mojibake, full-width letters or entities.
class clip_tokenizer final : public text_tokenizer {
 public:
  /// `context` is the most ids that one text gets, marks included (77 in every published model); at least 2.
  clip_tokenizer(clip_vocabulary vocabulary, std::size_t context)
      : vocabulary_(std::move(vocabulary)), context_(context) {}

  /// [start, …, end], without padding.
  std::vector<std::int32_t> encode(std::string_view text) const override;
  const clip_vocabulary& vocabulary() const noexcept { return vocabulary_; }

 private:
  bool append_segment(std::string_view text, std::vector<std::int32_t>& ids) const;
  bool append_word(std::string_view word, std::vector<std::int32_t>& ids) const;

  clip_vocabulary vocabulary_;
  std::size_t context_;
};

}  // namespace catwalk::embed
