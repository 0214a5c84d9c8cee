#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "embed/activation.hpp"

namespace catwalk::embed {

/// How a text becomes a vector. CLIP: every token sees those before it, and the vector is taken at the end
/// mark. SigLIP: every token sees all, the padding included, and the vector is taken at the last one.
enum class text_kind { clip, siglip };

/// What becomes of a text before it is cut into tokens, where a library has more than one way. `plain`: as
/// transformers does. `words`: open_clip's way with SigLIP's texts, where an underscore parts words.
enum class text_cleaning { plain, words };

/// What a text transformer is, apart from its weights. Everything here is part of its fingerprint.
struct text_tower {
  text_kind kind = text_kind::clip;
  std::int64_t vocabulary = 0;  ///< rows of the token embedding
  std::int64_t context = 0;     ///< most tokens of a text, marks included
  std::int64_t width = 0;       ///< of the residual stream
  std::int64_t layers = 0;
  std::int64_t heads = 0;  ///< divides width
  std::int64_t mlp = 0;    ///< width inside the feed-forward part
  std::int64_t dim = 0;    ///< of the vector
  activation act = activation::quick_gelu;
  double eps = 1e-5;  ///< of every layer norm
  bool normalise = true;
  text_cleaning cleaning = text_cleaning::plain;
  std::string vocabulary_sha256;  ///< of the canonical vocabulary, so that other numbers make another model

  /// The canonical tensors and their shapes; SigLIP's projection has a bias.
  std::map<std::string, std::vector<std::int64_t>> shapes() const;
  /// Errors: `model_invalid`, naming `on`, for sizes that no transformer can have.
  result<void> check(const std::string& on) const;
};

/// Canonical: objects by key. What the fingerprint covers.
nlohmann::json to_json(const text_tower& tower);
/// Accepts what `to_json` wrote. Errors: `model_invalid`, naming `on`.
result<text_tower> text_tower_from_json(const nlohmann::json& json, const std::string& on);

/// The canonical tensors of one block of a transformer, `blocks.N.…`, added to `shapes`: two layer norms,
/// query, key and value one below the other (`qkv`), `out`, `fc1`, `fc2`. Linear weights are [out, in].
void add_block_shapes(std::map<std::string, std::vector<std::int64_t>>& shapes, std::int64_t number,
                      std::int64_t width, std::int64_t mlp);

}  // namespace catwalk::embed
