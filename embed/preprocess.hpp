#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "embed/image.hpp"

namespace catwalk::embed {

enum class interpolation { bicubic, bilinear };

/// How a picture that is not square gets into one: its shortest edge is resized to the square's side and the
/// centre cropped (CLIP), or both edges are resized to it (SigLIP).
enum class fit { crop, squash };

/// How a picture becomes a model's input. The defaults are CLIP ViT-B/32's (OpenAI's `preprocess`,
/// transformers' CLIPImageProcessor). Part of a model's fingerprint.
struct preprocess_spec {
  int size = 224;  ///< pixels on a side
  fit fitting = fit::crop;
  interpolation filter = interpolation::bicubic;
  std::array<float, 3> mean{0.48145466F, 0.4578275F, 0.40821073F};  ///< of R, G, B after division by 255
  std::array<float, 3> deviation{0.26862954F, 0.26130258F,
                                 0.27577711F};  ///< of R, G, B after division by 255

  /// Bytes of one picture's input: 3 * size * size.
  std::size_t input_bytes() const noexcept {
    return 3 * static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  }
};

/// Resizes to a square of `spec.size` as `spec.fitting` says and writes it to `out`, planar [3, size, size]:
/// one slot of a batch. Equal to Pillow's `resize` (antialiased, in its order of passes, 8 bits between them,
/// the same fixed-point weights) and to transformers' rounding: the long edge is int(size * long / short),
/// the crop starts at half the surplus, rounded down. Computes only what the square reaches, so the cost of
/// extreme shapes is bounded by the picture's own size. Errors: `invalid_argument` for an empty picture or a
/// size that is not positive.
result<void> preprocess_into(const decoded_image& image, const preprocess_spec& spec, std::uint8_t* out);

/// The same of a picture that comes row by row, so that it is never held as a whole. One picture each.
class row_preprocessor final : public row_taker {
 public:
  explicit row_preprocessor(const preprocess_spec& spec);
  ~row_preprocessor() override;

  /// False where Pillow would go through the picture by columns first: it is needed whole then.
  bool begin(const decoded_image& picture) override;
  void take(const std::uint8_t* row) override;
  /// After the last row: writes the square to `out`, as preprocess_into() does.
  void finish(std::uint8_t* out) const;

 private:
  struct impl;
  preprocess_spec spec_;
  std::unique_ptr<impl> impl_;
};

/// The last step, which the model does itself: (x / 255 - mean) / deviation, channel by channel, for one
/// picture of [3, size, size].
void normalise(const std::uint8_t* planar, const preprocess_spec& spec, float* out);

}  // namespace catwalk::embed
