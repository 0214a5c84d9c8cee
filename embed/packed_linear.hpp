#pragma once
#include <ATen/core/Tensor.h>

namespace catwalk::embed {

/// Whether linear layers in fp32 are faster by MKL's packed matrices than by oneDNN's here: libtorch was
/// built with MKL, and the CPU is Intel's (for others MKL's choice of code is not its best).
bool has_packed_linear();

/// A weight [out, in] in fp32 as `catwalk::packed_linear` takes it: in MKL's packed form, or, where that
/// gives other numbers than plain multiplication, as it is. The packed form is [out, n] with n above `in`;
/// what memory it does not need is never touched.
at::Tensor pack_linear(const at::Tensor& weight);

/// Makes this operator known to TorchScript, on the CPU:
///
///     catwalk::packed_linear(Tensor x, Tensor weight, Tensor? bias, Tensor? residual, int act) -> Tensor
///
/// x weight^T + bias + residual in fp32, for x [.., in], `weight` of pack_linear, bias [out], residual
/// [.., out]; `act` is an activation's number (embed/activation.hpp) and goes over the sum of the first two,
/// or -1. An activation does not go with a residual.
///
/// Why: with 50 rows to a picture MKL's kernels for packed matrices are 6 to 20 % ahead of oneDNN's, and the
/// bias, the residual and the activation are applied while the rows are in the cache.
void register_packed_linear();

}  // namespace catwalk::embed
