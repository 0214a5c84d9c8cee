#include "embed/vision_module.hpp"

#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <cmath>
#include <sstream>
#include <string_view>
#include <utility>

#include "embed/attention.hpp"

namespace catwalk::embed {
namespace {

/// sigmoid(1.702 x) x: the constant of OpenAI's QuickGELU.
constexpr double quick_gelu_slope = 1.702;
/// Pixels reach the patch embedding as (pixel - centre) / 64: whole numbers over a power of two, exact in
/// every precision, so that only the weights are rounded. The rest of the normalisation is folded into them.
constexpr double pixel_scale = 64;

/// Makes `mkldnn.X` in the source mean the operator `mkldnn::X`, and `catwalk.X` one of ours.
struct operator_resolver : torch::jit::Resolver {
  std::shared_ptr<torch::jit::SugaredValue> resolveValue(const std::string& name,
                                                         torch::jit::GraphFunction& function,
                                                         const torch::jit::SourceRange& where) override {
    if (name == "mkldnn" || name == "catwalk") return std::make_shared<torch::jit::BuiltinModule>(name);
    return torch::jit::nativeResolver()->resolveValue(name, function, where);
  }
};

/// The tower. $names stand for numbers and for the linear layers, which differ between oneDNN and other
/// devices.
constexpr std::string_view source = R"(
def embed(self, pixels: Tensor) -> Tensor:
    B = pixels.size(0)
    x = pixels.view([B, 3, $G, $P, $G, $P]).permute([0, 2, 4, 1, 3, 5]).reshape([B, $G * $G, 3 * $P * $P])
    x = torch.add(self.centre, x.to(self.centre.dtype), alpha=$SCALE)
    x = self.linear(x, self.patch, None)
    return torch.cat([self.first.expand([B, 1, $W]), x], 1) + self.position

def norm(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.layer_norm(x, [$W], weight, bias, $EPS)

def feed_forward(self, x: Tensor, p: List[Tensor]) -> Tensor:
    y = self.norm(x, p[0], p[1])
    y = self.linear_act(y, p[2], p[3])
    return self.linear_add(y, x, p[4], p[5])

def block(self, x: Tensor, attention: List[Tensor], feed: List[Tensor]) -> Tensor:
    B = x.size(0)
    y = self.norm(x, attention[0], attention[1])
    qkv = self.linear(y, attention[2], attention[3])
    qkv = qkv.view([B, $T, 3, $H, $D])
    y = self.attend(qkv.select(2, 0), qkv.select(2, 1), qkv.select(2, 2))
    x = self.linear_add(y, x, attention[4], attention[5])
    return self.feed_forward(x, feed)

def last_block(self, x: Tensor, attention: List[Tensor], feed: List[Tensor]) -> Tensor:
    B = x.size(0)
    y = self.norm(x, attention[0], attention[1])
    q = self.linear(y.select(1, 0).contiguous(), attention[6], attention[7])
    kv = self.linear(y, attention[2], attention[3])
    kv = kv.view([B, $T, 2, $H, $D])
    y = self.attend(q.view([B, 1, $H, $D]), kv.select(2, 0), kv.select(2, 1))
    x = self.linear_add(y.view([B, $W]), x.select(1, 0).contiguous(), attention[4], attention[5])
    return self.feed_forward(x, feed)

def stages(self, pixels: Tensor, keep: bool) -> List[Tensor]:
    kept: List[Tensor] = []
    x = self.embed(pixels)
    if keep:
        kept.append(x.float())
    x = self.norm(x, self.pre[0], self.pre[1])
    if keep:
        kept.append(x.float())
    for i in range($LAYERS - 1):
        x = self.block(x, self.attention[i], self.feed[i])
        if keep:
            kept.append(x.float())
    x = self.last_block(x, self.attention[$LAYERS - 1], self.feed[$LAYERS - 1])
    if keep:
        kept.append(x.float())
    x = self.norm(x, self.post[0], self.post[1])
    if keep:
        kept.append(x.float())
    kept.append(self.linear(x, self.projection, None).float())
    return kept

def forward(self, pixels: Tensor) -> Tensor:
    x = self.stages(pixels, False)[0]
    $NORMALISE
    return x
)";

/// For the CPU: our attention, oneDNN's fused layers. They take packed weights; "swish" is SiLU, whatever its
/// scalar says.
constexpr std::string_view onednn_layers = R"(
def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return catwalk.attention(q, k, v)

def linear(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return mkldnn._linear_pointwise(x, weight, bias, "none", self.scalars, "")

def linear_act(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return mkldnn._linear_pointwise(x, weight, bias, "$ONEDNN_ACT", self.scalars, "$ONEDNN_ALGORITHM")

def linear_add(self, x: Tensor, residual: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return mkldnn._linear_pointwise(x, residual, weight, bias, "add")
)";

constexpr std::string_view plain_layers = R"(
def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    y = torch.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
    return y.transpose(1, 2).reshape([q.size(0), q.size(1), $W])

def linear(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return torch.linear(x, weight, bias)

def linear_act(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return torch.$PLAIN_ACT(torch.linear(x, weight, bias))

def linear_add(self, x: Tensor, residual: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return residual + torch.linear(x, weight, bias)
)";

std::string fill_in(std::string_view text, const vision_tower& t) {
  std::ostringstream eps;
  eps.precision(17);
  eps << std::scientific << t.eps;
  const bool quick = t.act == activation::quick_gelu;
  // Longer names first where one begins like another.
  const std::vector<std::pair<std::string, std::string>> values{
      {"$SCALE", std::to_string(1 / pixel_scale)},
      {"$EPS", eps.str()},
      {"$LAYERS", std::to_string(t.layers)},
      {"$NORMALISE",
       t.normalise ? "x = x / torch.norm(x, 2, [-1], True).clamp_min(1e-12)" : "x = x.contiguous()"},
      {"$ONEDNN_ACT", quick ? "swish" : "gelu"},
      {"$ONEDNN_ALGORITHM", quick ? "" : "none"},
      {"$PLAIN_ACT", quick ? "silu" : "gelu"},
      {"$G", std::to_string(t.grid())},
      {"$P", std::to_string(t.patch)},
      {"$W", std::to_string(t.width)},
      {"$T", std::to_string(t.tokens())},
      {"$H", std::to_string(t.heads)},
      {"$D", std::to_string(t.width / t.heads)},
  };
  std::string out(text);
  for (const auto& [name, value] : values)
    for (auto at = out.find(name); at != std::string::npos; at = out.find(name, at + value.size()))
      out.replace(at, name.size(), value);
  return out;
}

/// Turns canonical tensors into the module's attributes.
class packer {
 public:
  packer(const vision_weights& weights, const compute_device& on, bool onednn)
      : weights_(weights), on_(on), onednn_(onednn) {}

  at::Tensor wide(const std::string& name) const { return weights_.tensors.at(name).to(at::kFloat); }
  /// The final form of what is no linear weight.
  at::Tensor plain(const at::Tensor& t) const {
    return t.to(on_.device, on_.type, false, true, at::MemoryFormat::Contiguous);
  }
  at::Tensor plain(const std::string& name) const { return plain(wide(name)); }
  /// The final form of a linear weight [out, in].
  at::Tensor linear(const at::Tensor& weight) const {
    auto t = plain(weight);
    if (!onednn_) return t;
    static const auto reorder =
        c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_reorder_linear_weight", "");
    torch::jit::Stack stack{t, c10::IValue()};  // the batch size is left open
    reorder.callBoxed(stack);
    return stack.at(0).toTensor();
  }

  /// [norm weight, norm bias, qkv, bias, out, bias]; in the last block [.., kv, bias, out, bias, query,
  /// bias].
  c10::List<at::Tensor> attention(std::int64_t block, bool last) const {
    const auto at = "blocks." + std::to_string(block) + ".";
    c10::List<at::Tensor> list;
    list.push_back(plain(at + "norm1.weight"));
    list.push_back(plain(at + "norm1.bias"));
    const auto weight = wide(at + "qkv.weight"), bias = wide(at + "qkv.bias");
    const auto width = weights_.tower.width;
    const auto from = last ? width : 0;
    list.push_back(linear(weight.narrow(0, from, 3 * width - from)));
    list.push_back(plain(bias.narrow(0, from, 3 * width - from)));
    list.push_back(linear(wide(at + "out.weight")));
    list.push_back(plain(at + "out.bias"));
    if (last) {
      list.push_back(linear(weight.narrow(0, 0, width)));
      list.push_back(plain(bias.narrow(0, 0, width)));
    }
    return list;
  }

  /// [norm weight, norm bias, first, bias, second, bias]. QuickGELU becomes SiLU, which every device has
  /// fused: x sigmoid(1.702 x) = silu(1.702 x) / 1.702, with the factors folded into the two layers around
  /// it.
  c10::List<at::Tensor> feed(std::int64_t block) const {
    const auto at = "blocks." + std::to_string(block) + ".";
    const double slope = weights_.tower.act == activation::quick_gelu ? quick_gelu_slope : 1;
    c10::List<at::Tensor> list;
    list.push_back(plain(at + "norm2.weight"));
    list.push_back(plain(at + "norm2.bias"));
    list.push_back(linear(wide(at + "fc1.weight") * slope));
    list.push_back(plain(wide(at + "fc1.bias") * slope));
    list.push_back(linear(wide(at + "fc2.weight") / slope));
    list.push_back(plain(at + "fc2.bias"));
    return list;
  }

  c10::List<at::Tensor> norm(const std::string& name) const {
    c10::List<at::Tensor> list;
    list.push_back(plain(name + ".weight"));
    list.push_back(plain(name + ".bias"));
    return list;
  }

 private:
  const vision_weights& weights_;
  const compute_device& on_;
  bool onednn_;
};

/// The patch convolution as a linear layer over (pixel - centre) / 64, with CLIP's normalisation folded in:
/// the weights scaled per channel, what is left of the mean added to the position embedding. Computed in
/// fp64.
void add_patch_embedding(torch::jit::Module& module, const packer& pack, const vision_tower& tower) {
  const auto std = at::tensor(at::ArrayRef<double>(tower.std), at::kDouble).view({1, 3, 1, 1});
  const auto mean = at::tensor(at::ArrayRef<double>(tower.mean), at::kDouble).view({1, 3, 1, 1});
  const auto centre = at::round(mean * 255);
  const auto weight = pack.wide("patch.weight").to(at::kDouble);
  const auto scaled = weight * (pixel_scale / 255) / std;
  const auto offset = (weight * ((centre / 255 - mean) / std)).sum({1, 2, 3});
  const auto columns = 3 * tower.patch * tower.patch;
  module.register_attribute("patch", c10::TensorType::get(),
                            pack.linear(scaled.reshape({tower.width, columns}).to(at::kFloat)));
  module.register_attribute(
      "centre", c10::TensorType::get(),
      pack.plain((-centre / pixel_scale).expand({1, 3, tower.patch, tower.patch}).reshape({columns})));

  auto position = pack.wide("position_embedding").to(at::kDouble).clone();
  position.narrow(0, 1, tower.tokens() - 1).add_(offset);
  module.register_attribute("position", c10::TensorType::get(), pack.plain(position));
  module.register_attribute("first", c10::TensorType::get(), pack.plain("class_embedding"));
}

torch::jit::Module make_module(const vision_weights& weights, const compute_device& on) {
  // Batches vary in size: an executor that specialises its code on the first shapes it sees would compile
  // again and again, and there is nothing left to fuse.
  torch::jit::getProfilingMode() = false;
  register_attention();
  const auto& tower = weights.tower;
  const bool onednn = on.device.is_cpu() && at::globalContext().hasMKLDNN();
  const packer pack(weights, on, onednn);
  torch::jit::Module module("vision_tower");
  add_patch_embedding(module, pack, tower);
  const auto tensors = c10::ListType::ofTensors();
  module.register_attribute("pre", tensors, pack.norm("pre_norm"));
  module.register_attribute("post", tensors, pack.norm("post_norm"));
  c10::List<c10::List<at::Tensor>> attention, feed;
  for (std::int64_t i = 0; i < tower.layers; ++i) {
    attention.push_back(pack.attention(i, i + 1 == tower.layers));
    feed.push_back(pack.feed(i));
  }
  module.register_attribute("attention", c10::ListType::create(tensors), c10::IValue(attention));
  module.register_attribute("feed", c10::ListType::create(tensors), c10::IValue(feed));
  module.register_attribute("projection", c10::TensorType::get(),
                            pack.linear(pack.wide("projection.weight")));
  const auto scalar = c10::OptionalType::create(c10::NumberType::get());
  module.register_attribute("scalars", c10::ListType::create(scalar), c10::impl::GenericList(scalar));

  const auto resolver = std::make_shared<operator_resolver>();
  module.define(fill_in(onednn ? onednn_layers : plain_layers, tower) + fill_in(source, tower), resolver);
  module.eval();
  return module;
}

}  // namespace

struct vision_module::impl {
  mutable torch::jit::Module module;
};

vision_module::vision_module(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
vision_module::~vision_module() = default;
vision_module::vision_module(vision_module&&) noexcept = default;
vision_module& vision_module::operator=(vision_module&&) noexcept = default;

result<vision_module> vision_module::build(const vision_weights& weights, const compute_device& on) {
  try {
    const c10::InferenceMode inference;
    return vision_module(std::make_unique<impl>(impl{make_module(weights, on)}));
  } catch (const std::exception& e) {
    return error{errc::device, "cannot build the model for device", on.device_name + ", " + on.precision_name,
                 e.what(), "try embed.precision: fp32 or embed.device: cpu"};
  }
}

at::Tensor vision_module::forward(const at::Tensor& pixels) const {
  return impl_->module.forward({pixels}).toTensor();
}

std::vector<at::Tensor> vision_module::stages(const at::Tensor& pixels) const {
  return impl_->module.get_method("stages")({pixels, true}).toTensorVector();
}

}  // namespace catwalk::embed
