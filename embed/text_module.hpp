#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "core/error.hpp"
#include "embed/compute_device.hpp"
#include "embed/tower_weights.hpp"

namespace catwalk::embed {

/// A text tower as a TorchScript module, compiled from source text for one device and precision as
/// `vision_module` is. `forward` may be called from several threads at once.
class text_module {
 public:
  /// Takes some hundred ms. `weights` are not needed afterwards. Errors: `device` (torch's own words).
  static result<text_module> build(const text_weights& weights, const compute_device& on);
  ~text_module();
  text_module(text_module&&) noexcept;
  text_module& operator=(text_module&&) noexcept;

  /// `ids`: int64 [batch, tokens], tokens at most the context (SigLIP: all of it, padded); `at`: int64
  /// [batch], the token at which each vector is taken. -> fp32 [batch, dim], of length 1 where the tower
  /// normalises. Throws what torch throws.
  at::Tensor forward(const at::Tensor& ids, const at::Tensor& at) const;
  /// For comparison with a reference, made by the same code: the tokens [batch, tokens, width] after the
  /// embeddings and after every block, those taken [batch, width] after the last layer norm, and the vector
  /// before it is normalised. fp32.
  std::vector<at::Tensor> stages(const at::Tensor& ids, const at::Tensor& at) const;

 private:
  struct impl;
  explicit text_module(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace catwalk::embed
