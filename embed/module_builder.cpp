#include "embed/module_builder.hpp"

#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <sstream>

#include "embed/attention.hpp"
#include "embed/int8_operators.hpp"
#include "embed/packed_linear.hpp"

namespace catwalk::embed {
namespace {

/// Makes `mkldnn.X` in the source mean the operator `mkldnn::X`, alike for `onednn`, and `catwalk.X` one of
/// ours.
struct operator_resolver : torch::jit::Resolver {
  std::shared_ptr<torch::jit::SugaredValue> resolveValue(const std::string& name,
                                                         torch::jit::GraphFunction& function,
                                                         const torch::jit::SourceRange& where) override {
    if (name == "mkldnn" || name == "onednn" || name == "catwalk")
      return std::make_shared<torch::jit::BuiltinModule>(name);
    return torch::jit::nativeResolver()->resolveValue(name, function, where);
  }
};

constexpr std::string_view common = R"(
def norm(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.layer_norm(x, [$NORM_WIDTH], weight, bias, $EPS)

def feed_forward(self, x: Tensor, p: List[Tensor]) -> Tensor:
    y = self.norm(x, p[0], p[1])
    y = self.linear_act(y, p[2], p[3])
    return self.linear_add(y, x, p[4], p[5])
)";

/// For the CPU.
constexpr std::string_view own_attention = R"(
def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return catwalk.attention(q, k, v)
)";

/// They take weights in oneDNN's own layout; "swish" is SiLU, whatever its scalar says.
constexpr std::string_view onednn_layers = R"(
def linear(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return mkldnn._linear_pointwise(x, weight, bias, "none", self.scalars, "")

def linear_act(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return mkldnn._linear_pointwise(x, weight, bias, "$ONEDNN_ACT", self.scalars, "$ONEDNN_ALGORITHM")

def linear_add(self, x: Tensor, residual: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return mkldnn._linear_pointwise(x, residual, weight, bias, "add")
)";

constexpr std::string_view packed_layers = R"(
def linear(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return catwalk.packed_linear(x, weight, bias, None, -1)

def linear_act(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return catwalk.packed_linear(x, weight, bias, None, $PACKED_ACT)

def linear_add(self, x: Tensor, residual: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return catwalk.packed_linear(x, weight, bias, residual, -1)
)";

constexpr std::string_view plain_layers = R"(
def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    y = torch.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
    return y.transpose(1, 2).reshape([q.size(0), q.size(1), q.size(2) * q.size(3)])

def linear(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return torch.linear(x, weight, bias)

def linear_act(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return torch.$PLAIN_ACT(torch.linear(x, weight, bias)$PLAIN_ALGORITHM)

def linear_add(self, x: Tensor, residual: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return residual + torch.linear(x, weight, bias)
)";

std::string fill_in(std::string text, const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [name, value] : values)
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
      text.replace(at, name.size(), value);
  return text;
}

std::string exact(double number) {
  std::ostringstream text;
  text.precision(17);
  text << std::scientific << number;
  return text.str();
}

}  // namespace

module_builder::layers module_builder::layers_on(const compute_device& on) {
  if (!on.device.is_cpu()) return layers::plain;
  if (on.type == at::kFloat && has_packed_linear()) return layers::packed;
  return at::globalContext().hasMKLDNN() ? layers::onednn : layers::plain;
}

module_builder::module_builder(std::string name, const tensor_map& tensors, const compute_device& on,
                               activation act)
    : tensors_(tensors), on_(on), act_(act), layers_(layers_on(on)), module_(std::move(name)) {
  // Batches vary in size: an executor that specialises its code on the first shapes it sees would compile
  // again and again, and there is nothing left to fuse.
  torch::jit::getProfilingMode() = false;
  register_attention();
  register_int8_operators();
  register_packed_linear();
}

at::Tensor module_builder::plain(const at::Tensor& t) const {
  return t.to(on_.device, on_.type, false, true, at::MemoryFormat::Contiguous);
}

at::Tensor module_builder::linear(const at::Tensor& weight) const {
  auto t = plain(weight);
  if (layers_ == layers::packed) return pack_linear(t);
  if (layers_ == layers::plain) return t;
  static const auto reorder =
      c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_reorder_linear_weight", "");
  torch::jit::Stack stack{t, c10::IValue()};  // the batch size is left open
  reorder.callBoxed(stack);
  return stack.at(0).toTensor();
}

c10::List<at::Tensor> module_builder::attention(const std::string& block, std::int64_t width,
                                                bool split) const {
  c10::List<at::Tensor> list;
  list.push_back(plain(block + "norm1.weight"));
  list.push_back(plain(block + "norm1.bias"));
  const auto weight = wide(block + "qkv.weight"), bias = wide(block + "qkv.bias");
  const auto from = split ? width : 0;
  list.push_back(linear(weight.narrow(0, from, 3 * width - from)));
  list.push_back(plain(bias.narrow(0, from, 3 * width - from)));
  list.push_back(linear(wide(block + "out.weight")));
  list.push_back(plain(block + "out.bias"));
  if (split) {
    list.push_back(linear(weight.narrow(0, 0, width)));
    list.push_back(plain(bias.narrow(0, 0, width)));
  }
  return list;
}

c10::List<at::Tensor> module_builder::feed(const std::string& block, const std::string& norm_name) const {
  const bool as_silu = act_ == activation::quick_gelu && layers_ != layers::packed;
  const double slope = as_silu ? quick_gelu_slope : 1;
  auto list = norm(block + norm_name);
  list.push_back(linear(wide(block + "fc1.weight") * slope));
  list.push_back(plain(wide(block + "fc1.bias") * slope));
  list.push_back(linear(wide(block + "fc2.weight") / slope));
  list.push_back(plain(block + "fc2.bias"));
  return list;
}

c10::List<at::Tensor> module_builder::norm(const std::string& name) const {
  c10::List<at::Tensor> list;
  list.push_back(plain(name + ".weight"));
  list.push_back(plain(name + ".bias"));
  return list;
}

void module_builder::add(const std::string& name, const at::Tensor& tensor) {
  module_.register_attribute(name, c10::TensorType::get(), tensor);
}
void module_builder::add(const std::string& name, const c10::List<at::Tensor>& list) {
  module_.register_attribute(name, c10::ListType::ofTensors(), list);
}
void module_builder::add(const std::string& name, const c10::List<c10::List<at::Tensor>>& lists) {
  module_.register_attribute(name, c10::ListType::create(c10::ListType::ofTensors()), c10::IValue(lists));
}

torch::jit::Module module_builder::compile(std::string_view source,
                                           const std::vector<std::pair<std::string, std::string>>& values,
                                           std::int64_t width, double eps) {
  const auto scalar = c10::OptionalType::create(c10::NumberType::get());
  module_.register_attribute("scalars", c10::ListType::create(scalar), c10::impl::GenericList(scalar));
  const bool quick = act_ == activation::quick_gelu, by_tanh = act_ == activation::gelu_tanh;
  const auto own = [](std::string_view fused) { return std::string(own_attention).append(fused); };
  const auto linear = layers_ == layers::packed   ? own(packed_layers)
                      : layers_ == layers::onednn ? own(onednn_layers)
                                                  : std::string(plain_layers);
  const auto shared =
      fill_in(std::string(common) + linear, {{"$NORM_WIDTH", std::to_string(width)},
                                             {"$EPS", exact(eps)},
                                             {"$ONEDNN_ACT", quick ? "swish" : "gelu"},
                                             {"$ONEDNN_ALGORITHM", quick     ? ""
                                                                   : by_tanh ? "tanh"
                                                                             : "none"},
                                             {"$PACKED_ACT", std::to_string(static_cast<int>(act_))},
                                             {"$PLAIN_ACT", quick ? "silu" : "gelu"},
                                             {"$PLAIN_ALGORITHM", by_tanh ? ", approximate=\"tanh\"" : ""}});
  module_.define(shared + fill_in(std::string(source), values), std::make_shared<operator_resolver>());
  module_.eval();
  return module_;
}

}  // namespace catwalk::embed
