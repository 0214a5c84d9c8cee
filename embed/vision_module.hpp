#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "core/error.hpp"
#include "embed/compute_device.hpp"
#include "embed/tower_weights.hpp"

namespace catwalk::embed {

struct model_folder;

/// A vision tower as a TorchScript module that is compiled from source text for one device and precision. Its
/// weights are laid out for the device (packed for oneDNN on a CPU), are there when it is returned, and are
/// shared by all callers: `forward` may be called from several threads and streams at once.
class vision_module {
 public:
  /// Takes about a second. `weights` are not needed afterwards; `calibration` (embed/int8_calibration.hpp) is
  /// for int8 alone. Errors: `device` (torch's own words), `invalid_config` (widths that int8 cannot take).
  static result<vision_module> build(const vision_weights& weights, const compute_device& on,
                                     const tensor_map& calibration = {});
  /// That of a stored model, with its own calibration where `on` is int8; a script as it is, in fp32. Errors:
  /// also those of reading it, and `invalid_config` for a script in another precision.
  static result<vision_module> load(const model_folder& folder, const compute_device& on);
  ~vision_module();
  vision_module(vision_module&&) noexcept;
  vision_module& operator=(vision_module&&) noexcept;

  /// uint8 [batch, 3, size, size], planar RGB, on the module's device -> fp32 [batch, dim] on that device, of
  /// length 1 where the tower normalises. On a CPU a batch passes in parts of few sizes
  /// (embed/pass_size.hpp). Throws what torch throws.
  at::Tensor forward(const at::Tensor& pixels) const;

  /// What passes through the tower, for comparison with a reference, made by the same code as `forward`: the
  /// tokens [batch, tokens, width] after the embeddings, after the first layer norm and after every block but
  /// the last, the class token [batch, width] after the last block and after the last layer norm, and the
  /// vector before it is normalised [batch, dim]. fp32. Nothing of a script.
  std::vector<at::Tensor> stages(const at::Tensor& pixels) const;

 private:
  struct impl;
  explicit vision_module(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace catwalk::embed
