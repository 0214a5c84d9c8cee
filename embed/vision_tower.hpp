#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace catwalk::embed {

enum class activation { quick_gelu, gelu };

/// What a CLIP vision transformer is, apart from its weights. Everything here is part of the fingerprint.
struct vision_tower {
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
  bool normalise = true;                                          ///< the vector is scaled to length 1

  std::int64_t grid() const noexcept { return image_size / patch; }
  std::int64_t tokens() const noexcept { return grid() * grid() + 1; }
  /// "clip-vit-b-32" for the published sizes, else "clip-vit-w64-l2-p8"; the image size follows unless it is
  /// 224.
  std::string architecture() const;
  /// The canonical tensors and their shapes. Linear weights are [out, in]; `qkv` holds query, key and value
  /// one below the other, `patch.weight` is the convolution's [width, 3, patch, patch].
  std::map<std::string, std::vector<std::int64_t>> shapes() const;
  /// Errors: `model_invalid`, naming `on`, for sizes that no transformer can have.
  result<void> check(const std::string& on) const;
};

/// Canonical: objects by key, numbers in the shortest form that reads back the same. What the fingerprint
/// covers.
nlohmann::json to_json(const vision_tower& tower);
/// Accepts what `to_json` wrote. Errors: `model_invalid`, naming `on`.
result<vision_tower> tower_from_json(const nlohmann::json& json, const std::string& on);

}  // namespace catwalk::embed
