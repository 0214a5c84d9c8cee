#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "embed/activation.hpp"
#include "embed/preprocess.hpp"

namespace catwalk::embed {

/// CLIP: a class token before the patches, whose last state is projected. SigLIP: no such token; the patches'
/// last states are pooled by attention and a feed-forward part, and the vector is as wide as the tower.
/// Script: a TorchScript module (embed/script_module.hpp), of which nothing is known but what goes in and
/// comes out.
enum class vision_kind { clip, siglip, script };

/// What a vision transformer is, apart from its weights. Everything here is part of the fingerprint. For a
/// script the sizes inside it are 0.
struct vision_tower {
  vision_kind kind = vision_kind::clip;
  std::int64_t image_size = 0;  ///< pixels on a side
  std::int64_t patch = 0;       ///< pixels on a side of one patch; divides image_size
  std::int64_t width = 0;       ///< of the residual stream
  std::int64_t layers = 0;
  std::int64_t heads = 0;  ///< divides width
  std::int64_t mlp = 0;    ///< width inside the feed-forward part
  std::int64_t dim = 0;    ///< of the vector
  activation act = activation::quick_gelu;
  double eps = 1e-5;                                              ///< of every layer norm
  std::array<double, 3> mean{0.48145466, 0.4578275, 0.40821073};  ///< RGB, of values in [0, 1]
  std::array<double, 3> std{0.26862954, 0.26130258, 0.27577711};  ///< RGB
  interpolation filter = interpolation::bicubic;
  fit fitting = fit::crop;
  bool normalise = true;       ///< the vector is scaled to length 1
  std::string program_sha256;  ///< of a script, as `script_module` has it

  std::int64_t grid() const noexcept { return image_size / patch; }
  /// Of the residual stream: the patches, and CLIP's class token.
  std::int64_t tokens() const noexcept { return grid() * grid() + (kind == vision_kind::clip ? 1 : 0); }
  /// How a picture becomes this tower's input.
  preprocess_spec preprocessing() const;
  /// "clip-vit-b-32" for the published sizes, "siglip-b-16-384", else "clip-vit-w64-l2-p8"; "torchscript" for
  /// a script. The image size follows unless it is 224.
  std::string architecture() const;
  /// The canonical tensors and their shapes. Linear weights are [out, in]; `qkv` holds query, key and value
  /// one below the other, `patch.weight` is the convolution's [width, 3, patch, patch]. SigLIP's pooling is
  /// `head.*`: the query `probe` [1, width], attention, a layer norm and a feed-forward part. None of a
  /// script: its own tensors have names of their own.
  std::map<std::string, std::vector<std::int64_t>> shapes() const;
  /// Errors: `model_invalid`, naming `on`, for sizes that no image tower can have.
  result<void> check(const std::string& on) const;

 private:
  result<void> check_script(const std::string& on) const;
  result<void> check_transformer(const std::string& on) const;
};

/// Canonical: objects by key, numbers in the shortest form that reads back the same. What the fingerprint
/// covers.
nlohmann::json to_json(const vision_tower& tower);
/// Accepts what `to_json` wrote. Errors: `model_invalid`, naming `on`.
result<vision_tower> tower_from_json(const nlohmann::json& json, const std::string& on);

}  // namespace catwalk::embed
