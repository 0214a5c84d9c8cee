#include "embed/stored_tokenizer.hpp"

#include <string>
#include <utility>

#include "core/sha256.hpp"
#include "embed/clip_tokenizer.hpp"
#include "embed/mapped_file.hpp"
#include "embed/siglip_tokenizer.hpp"
#include "embed/text_encoder.hpp"

namespace catwalk::embed {

result<std::unique_ptr<text_tokenizer>> open_tokenizer(const model_folder& folder) {
  if (!folder.text) return no_text_error(folder.stored);
  const auto file = folder.vocabulary_file();
  auto mapped = mapped_file::open(file);
  if (!mapped) return mapped.error();
  const auto bytes = (*mapped)->bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  sha256 hash;
  hash.update(text);
  if (to_hex(hash.finish()) != folder.text->vocabulary_sha256)
    return error{errc::model_invalid, "cannot use vocabulary", file.string(),
                 "it is not the one that the model was imported with",
                 "remove the model and import it again"};
  const auto context = static_cast<std::size_t>(folder.text->context);
  if (folder.text->kind == text_kind::siglip) {
    auto pieces = unigram_vocabulary::from_json(text, file.string());
    if (!pieces) return pieces.error();
    return std::make_unique<siglip_tokenizer>(std::move(*pieces), context, folder.text->cleaning);
  }
  auto vocabulary = clip_vocabulary::from_json(text, file.string());
  if (!vocabulary) return vocabulary.error();
  return std::make_unique<clip_tokenizer>(std::move(*vocabulary), context);
}

}  // namespace catwalk::embed
