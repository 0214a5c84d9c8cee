#pragma once

namespace catwalk::embed {

/// Makes `catwalk::attention(Tensor q, Tensor k, Tensor v) -> Tensor` known to TorchScript: softmax(q k^T /
/// sqrt(depth)) v for q [batch, queries, heads, depth] and k, v [batch, keys, heads, depth], each with its
/// numbers of one head side by side and otherwise any strides; the answer is [batch, queries, heads * depth].
/// On the CPU. Heads of 64 numbers in fp32 or bf16 run in kernels for AVX-512 and AVX2, chosen by what the
/// CPU has and ATEN_CPU_CAPABILITY permits; all else in torch's scaled_dot_product_attention.
///
/// Why: on the 50 tokens of ViT-B/32, torch's takes 18 % of the forward pass for 2 % of its arithmetic.
void register_attention();

}  // namespace catwalk::embed
