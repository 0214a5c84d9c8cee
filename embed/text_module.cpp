#include "embed/text_module.hpp"

#include <torch/script.h>

#include <string_view>
#include <utility>

#include "core/thrown.hpp"
#include "embed/module_builder.hpp"

namespace catwalk::embed {
namespace {

constexpr std::string_view source = R"(
def block(self, x: Tensor, attention: List[Tensor], feed: List[Tensor]) -> Tensor:
    B = x.size(0)
    T = x.size(1)
    y = self.norm(x, attention[0], attention[1])
    qkv = self.linear(y, attention[2], attention[3])
    qkv = qkv.view([B, T, 3, $H, $D]).permute([2, 0, 3, 1, 4])
    y = torch.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], None, 0.0, $CAUSAL)
    y = y.transpose(1, 2).reshape([B, T, $W])
    x = self.linear_add(y, x, attention[4], attention[5])
    return self.feed_forward(x, feed)

def stages(self, ids: Tensor, at: Tensor, keep: bool) -> List[Tensor]:
    kept: List[Tensor] = []
    x = torch.embedding(self.tokens, ids) + self.position.narrow(0, 0, ids.size(1))
    if keep:
        kept.append(x.float())
    for i in range($LAYERS):
        x = self.block(x, self.attention[i], self.feed[i])
        if keep:
            kept.append(x.float())
    x = x.gather(1, at.view([-1, 1, 1]).expand([-1, 1, $W])).squeeze(1)
    x = self.norm(x, self.last[0], self.last[1])
    if keep:
        kept.append(x.float())
    kept.append(self.linear(x, self.projection, self.bias).float())
    return kept

def forward(self, ids: Tensor, at: Tensor) -> Tensor:
    x = self.stages(ids, at, False)[0]
    $NORMALISE
    return x
)";

torch::jit::Module make_module(const text_weights& weights, const compute_device& on) {
  const auto& tower = weights.tower;
  module_builder builder("text_tower", weights.tensors, on, tower.act);
  builder.add("tokens", builder.plain("token_embedding"));
  builder.add("position", builder.plain("position_embedding"));
  c10::List<c10::List<at::Tensor>> attention, feed;
  for (std::int64_t i = 0; i < tower.layers; ++i) {
    const auto block = "blocks." + std::to_string(i) + ".";
    attention.push_back(builder.attention(block, tower.width, false));
    feed.push_back(builder.feed(block));
  }
  builder.add("attention", attention);
  builder.add("feed", feed);
  builder.add("last", builder.norm("final_norm"));
  builder.add("projection", builder.linear(builder.wide("projection.weight")));
  builder.add("bias", tower.kind == text_kind::siglip ? builder.plain("projection.bias")
                                                      : builder.plain(at::zeros({tower.dim})));
  return builder.compile(
      source,
      {{"$LAYERS", std::to_string(tower.layers)},
       {"$NORMALISE",
        tower.normalise ? "x = x / torch.norm(x, 2, [-1], True).clamp_min(1e-12)" : "x = x.contiguous()"},
       {"$CAUSAL", tower.kind == text_kind::clip ? "True" : "False"},
       {"$W", std::to_string(tower.width)},
       {"$H", std::to_string(tower.heads)},
       {"$D", std::to_string(tower.width / tower.heads)}},
      tower.width, tower.eps);
}

}  // namespace

struct text_module::impl {
  mutable torch::jit::Module module;
};

text_module::text_module(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
text_module::~text_module() = default;
text_module::text_module(text_module&&) noexcept = default;
text_module& text_module::operator=(text_module&&) noexcept = default;

result<text_module> text_module::build(const text_weights& weights, const compute_device& on) {
  try {
    const c10::InferenceMode inference;
    auto module = make_module(weights, on);
    finish_work(on.device);
    return text_module(std::make_unique<impl>(impl{std::move(module)}));
  } catch (const std::exception& e) {
    return with_cause(
        {errc::device, "cannot build the text tower for device", on.device_name + ", " + on.precision_name,
         "", "try embed.precision: fp32 or embed.device: cpu"},
        e);
  }
}

at::Tensor text_module::forward(const at::Tensor& ids, const at::Tensor& at) const {
  return impl_->module.forward({ids, at}).toTensor();
}

std::vector<at::Tensor> text_module::stages(const at::Tensor& ids, const at::Tensor& at) const {
  return impl_->module.get_method("stages")({ids, at, true}).toTensorVector();
}

}  // namespace catwalk::embed
