#pragma once

namespace catwalk::embed {

/// Makes the operators between int8 layers known to TorchScript, on the CPU. Activations travel as bytes
/// [..., width] with a scale for each row (embed/row_kernel.hpp); what an int8 layer gives travels as sums
/// (fp32 or bf16) that still lack their row's scale and the bias. `width` is a multiple of 16.
///
///     catwalk::int8_norm(Tensor x, Tensor weight, Tensor bias, float eps, int zero) -> (Tensor, Tensor)
///     catwalk::int8_add_norm(Tensor(a!) x, Tensor sums, Tensor scales, Tensor sums_bias, Tensor weight,
///                            Tensor bias, float eps, int zero) -> (Tensor, Tensor)
///     catwalk::int8_add(Tensor(a!) x, Tensor sums, Tensor scales, Tensor bias) -> Tensor(a!)
///     catwalk::int8_activate(Tensor sums, Tensor scales, Tensor bias, int act, Tensor factor, Tensor offset,
///                            int zero) -> (Tensor, Tensor)
///     catwalk::int8_attention(Tensor q, Tensor q_scales, Tensor q_bias, Tensor kv, Tensor kv_scales,
///                             Tensor kv_bias, int heads, int zero) -> (Tensor, Tensor)
///
/// int8_attention takes queries from the first columns of q [batch, queries, >= width] and keys and values
/// from the last two parts of kv [batch, keys, 2 or 3 widths]; q and kv may be one tensor.
///
/// Why: with a scale for each row nothing is cut off and no range is guessed beforehand, which an int8 layer
/// with one scale for all pays for with most of its precision; and torch's own operators would make five
/// passes of what is one here.
void register_int8_operators();

}  // namespace catwalk::embed
