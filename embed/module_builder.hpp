#pragma once
#include <torch/script.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "embed/activation.hpp"
#include "embed/compute_device.hpp"
#include "embed/tower_weights.hpp"

namespace catwalk::embed {

/// What the towers' modules have in common: tensors laid out for a device, and TorchScript compiled from
/// source. Linear layers are `self.linear(x, weight, bias)`, `self.linear_act` with the activation behind it
/// and `self.linear_add(x, residual, weight, bias)`, fused on a CPU (in fp32 by embed/packed_linear.hpp where
/// that is faster, else by oneDNN) and plain operators elsewhere;
/// `self.attend(q, k, v)` is attention over [batch, tokens, heads, depth] as embed/attention.hpp says;
/// further there are `self.norm(x, weight, bias)` and `self.feed_forward(x, p)` with what `feed` returns.
class module_builder {
 public:
  module_builder(std::string name, const tensor_map& tensors, const compute_device& on, activation act);

  at::Tensor wide(const std::string& name) const { return tensors_.at(name).to(at::kFloat); }
  /// The final form of what is no linear weight.
  at::Tensor plain(const at::Tensor& t) const;
  at::Tensor plain(const std::string& name) const { return plain(wide(name)); }
  /// The final form of a linear weight [out, in].
  at::Tensor linear(const at::Tensor& weight) const;

  /// [norm weight, norm bias, qkv, bias, out, bias] of a block; with `split` [.., kv, bias, out, bias, query,
  /// bias].
  c10::List<at::Tensor> attention(const std::string& block, std::int64_t width, bool split) const;
  /// [norm weight, norm bias, first, bias, second, bias]. QuickGELU becomes SiLU, which oneDNN and every
  /// device have fused: x sigmoid(1.702 x) = silu(1.702 x) / 1.702, with the factors folded into the two
  /// layers around it.
  c10::List<at::Tensor> feed(const std::string& block, const std::string& norm_name = "norm2") const;
  c10::List<at::Tensor> norm(const std::string& name) const;

  void add(const std::string& name, const at::Tensor& tensor);
  void add(const std::string& name, const c10::List<at::Tensor>& list);
  void add(const std::string& name, const c10::List<c10::List<at::Tensor>>& lists);

  /// Compiles `source` after replacing each name in `values` by its value; `width` and `eps` are those of the
  /// layer norms. Longer names stand first where one begins like another.
  torch::jit::Module compile(std::string_view source,
                             const std::vector<std::pair<std::string, std::string>>& values,
                             std::int64_t width, double eps);

 private:
  enum class layers { packed, onednn, plain };
  static layers layers_on(const compute_device& on);

  const tensor_map& tensors_;
  const compute_device& on_;
  activation act_;
  layers layers_;
  torch::jit::Module module_;
};

}  // namespace catwalk::embed
