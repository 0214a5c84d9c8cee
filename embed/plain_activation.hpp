#pragma once
#include <ATen/ATen.h>

#include "embed/activation.hpp"

namespace catwalk::embed {

/// act(x) by torch's own operators.
inline at::Tensor activated(const at::Tensor& x, activation act) {
  switch (act) {
    case activation::quick_gelu:
      return x * at::sigmoid(x * quick_gelu_slope);
    case activation::gelu_tanh:
      return at::gelu(x, "tanh");
    case activation::gelu:
      break;
  }
  return at::gelu(x);
}

}  // namespace catwalk::embed
