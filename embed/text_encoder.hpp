#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/embedding.hpp"
#include "core/error.hpp"
#include "embed/models.hpp"
#include "embed/text_tokenizer.hpp"

namespace catwalk::embed {

struct text_options {
  std::string device = "auto";     ///< auto | cpu | cuda:N
  std::string precision = "auto";  ///< auto | fp32 | bf16 | int8 | fp16 (CUDA only)
  int threads = 1;                 ///< of one forward pass
};

/// Texts to vectors, in the space of the same model's images. Thread-safe.
class text_encoder {
 public:
  /// Loads the model's text tower: some hundred MB and up to a second; call it off the loop. Errors:
  /// `not_found` where the model has no text tower (saying why), `model_invalid`, `device`, `invalid_config`.
  static result<std::unique_ptr<text_encoder>> open(const stored_model& model, const text_options& options);
  ~text_encoder();

  /// Blocks for the forward pass, some 10 ms a text: call it off the loop. `fingerprint` of the vectors is
  /// the text tower's; they are compared with vectors of images under `stored_model::info.fingerprint`. A
  /// text beyond the tower's context is cut. Errors: `device`.
  result<std::vector<embedding>> encode(const std::vector<std::string>& texts) const;
  result<embedding> encode(const std::string& text) const;

  /// How many tokens of `text` the tower sees, marks of start and end included, padding not.
  std::size_t count_tokens(std::string_view text) const;

  /// The model whose text tower this is.
  const stored_model& model() const noexcept;

 private:
  struct impl;
  explicit text_encoder(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

/// The ids that the model's text tower sees for `text`. Errors: as of `text_encoder::open`.
result<std::vector<std::int32_t>> tokenize(const stored_model& model, std::string_view text);
/// The same by a CLIP vocabulary alone (vocab.json, tokenizer.json, bpe_simple_vocab_16e6.txt.gz, or a folder
/// with one), in 77 tokens.
result<std::vector<std::int32_t>> tokenize_with(const std::filesystem::path& vocabulary,
                                                std::string_view text);

/// What is said where a text is asked of a model that has no text tower: `not_found`.
error no_text_error(const stored_model& model);

}  // namespace catwalk::embed
