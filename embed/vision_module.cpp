#include "embed/vision_module.hpp"

#include <ATen/Parallel.h>
#include <torch/script.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "core/thrown.hpp"
#include "embed/int8_blocks.hpp"
#include "embed/int8_calibration.hpp"
#include "embed/model_folder.hpp"
#include "embed/module_builder.hpp"
#include "embed/pass_size.hpp"
#include "embed/script_module.hpp"

namespace catwalk::embed {
namespace {

/// Pixels reach the patch embedding as (pixel - centre) / 64: whole numbers over a power of two, exact in
/// every precision, so that only the weights are rounded. The rest of the normalisation is folded into them.
constexpr double pixel_scale = 64;

/// What both kinds of tower share. $names stand for numbers.
constexpr std::string_view common_source = R"(
def patches(self, pixels: Tensor) -> Tensor:
    B = pixels.size(0)
    x = pixels.view([B, 3, $G, $P, $G, $P]).permute([0, 2, 4, 1, 3, 5]).reshape([B, $G * $G, 3 * $P * $P])
    x = torch.add(self.centre, x.to(self.centre.dtype), alpha=$SCALE)
    return self.linear(x, self.patch, None)
)";

constexpr std::string_view block_source = R"(
def block(self, x: Tensor, attention: List[Tensor], feed: List[Tensor]) -> Tensor:
    B = x.size(0)
    y = self.norm(x, attention[0], attention[1])
    qkv = self.linear(y, attention[2], attention[3])
    qkv = qkv.view([B, $T, 3, $H, $D])
    y = self.attend(qkv.select(2, 0), qkv.select(2, 1), qkv.select(2, 2))
    x = self.linear_add(y, x, attention[4], attention[5])
    return self.feed_forward(x, feed)
)";

constexpr std::string_view forward_source = R"(
def forward(self, pixels: Tensor) -> Tensor:
    x = self.stages(pixels, False)[0]
    $NORMALISE
    return x
)";

constexpr std::string_view last_block_source = R"(
def last_block(self, x: Tensor, attention: List[Tensor], feed: List[Tensor]) -> Tensor:
    B = x.size(0)
    y = self.norm(x, attention[0], attention[1])
    q = self.linear(y.select(1, 0).contiguous(), attention[6], attention[7])
    kv = self.linear(y, attention[2], attention[3])
    kv = kv.view([B, $T, 2, $H, $D])
    y = self.attend(q.view([B, 1, $H, $D]), kv.select(2, 0), kv.select(2, 1))
    x = self.linear_add(y.view([B, $W]), x.select(1, 0).contiguous(), attention[4], attention[5])
    return self.feed_forward(x, feed)
)";

constexpr std::string_view clip_source = R"(
def stages(self, pixels: Tensor, keep: bool) -> List[Tensor]:
    kept: List[Tensor] = []
    x = self.patches(pixels)
    x = torch.cat([self.first.expand([x.size(0), 1, $W]), x], 1) + self.position
    if keep:
        kept.append(x.float().clone())
    x = self.norm(x, self.pre[0], self.pre[1])
    if keep:
        kept.append(x.float().clone())
    for i in range($LAYERS - 1):
        x = self.block(x, self.attention[i], self.feed[i])
        if keep:
            kept.append(x.float().clone())
    x = self.last_block(x, self.attention[$LAYERS - 1], self.feed[$LAYERS - 1])
    if keep:
        kept.append(x.float().clone())
    x = self.norm(x, self.post[0], self.post[1])
    if keep:
        kept.append(x.float().clone())
    kept.append(self.linear(x, self.projection, None).float())
    return kept
)";

/// The pooling's query is a constant, the same for every picture.
constexpr std::string_view siglip_source = R"(
def pool(self, x: Tensor) -> Tensor:
    B = x.size(0)
    kv = self.linear(x, self.pooling[0], self.pooling[1])
    kv = kv.view([B, $T, 2, $H, $D])
    y = self.attend(self.query.expand([B, 1, $H, $D]), kv.select(2, 0), kv.select(2, 1))
    x = self.linear(y.view([B, $W]), self.pooling[2], self.pooling[3])
    return self.feed_forward(x, self.pooled)

def stages(self, pixels: Tensor, keep: bool) -> List[Tensor]:
    kept: List[Tensor] = []
    x = self.patches(pixels) + self.position
    if keep:
        kept.append(x.float().clone())
    for i in range($LAYERS):
        x = self.block(x, self.attention[i], self.feed[i])
        if keep:
            kept.append(x.float().clone())
    x = self.norm(x, self.post[0], self.post[1])
    if keep:
        kept.append(x.float().clone())
    kept.append(self.pool(x).float())
    return kept
)";

std::vector<std::pair<std::string, std::string>> values_of(const vision_tower& t, c10::ScalarType type) {
  std::ostringstream eps;
  eps << std::scientific << std::setprecision(17) << t.eps;
  return {
      {"$TYPE", std::to_string(static_cast<int>(type))},
      {"$EPS", eps.str()},
      {"$ACT", std::to_string(static_cast<int>(t.act))},
      {"$SCALE", std::to_string(1 / pixel_scale)},
      {"$LAYERS", std::to_string(t.layers)},
      {"$NORMALISE",
       t.normalise ? "x = x / torch.norm(x, 2, [-1], True).clamp_min(1e-12)" : "x = x.contiguous()"},
      {"$G", std::to_string(t.grid())},
      {"$P", std::to_string(t.patch)},
      {"$W", std::to_string(t.width)},
      {"$T", std::to_string(t.tokens())},
      {"$H", std::to_string(t.heads)},
      {"$D", std::to_string(t.width / t.heads)},
  };
}

/// The patch convolution as a linear layer over (pixel - centre) / 64, with the normalisation of pixels
/// folded in: the weights scaled per channel, what is left of the mean (and the convolution's bias) added to
/// the position embedding. Computed in fp64.
void add_patch_embedding(module_builder& builder, const vision_tower& tower) {
  const auto std = at::tensor(at::ArrayRef<double>(tower.std), at::kDouble).view({1, 3, 1, 1});
  const auto mean = at::tensor(at::ArrayRef<double>(tower.mean), at::kDouble).view({1, 3, 1, 1});
  const auto centre = at::round(mean * 255);
  const auto weight = builder.wide("patch.weight").to(at::kDouble);
  const auto scaled = weight * (pixel_scale / 255) / std;
  auto offset = (weight * ((centre / 255 - mean) / std)).sum({1, 2, 3});
  if (tower.kind == vision_kind::siglip) offset += builder.wide("patch.bias").to(at::kDouble);
  const auto columns = 3 * tower.patch * tower.patch;
  builder.add("patch", builder.linear(scaled.reshape({tower.width, columns}).to(at::kFloat)));
  builder.add(
      "centre",
      builder.plain((-centre / pixel_scale).expand({1, 3, tower.patch, tower.patch}).reshape({columns})));

  auto position = builder.wide("position_embedding").to(at::kDouble).clone();
  const auto patches = tower.grid() * tower.grid();
  position.narrow(0, tower.tokens() - patches, patches).add_(offset);
  builder.add("position", builder.plain(position));
}

void add_clip_ends(module_builder& builder) {
  builder.add("first", builder.plain("class_embedding"));
  builder.add("pre", builder.norm("pre_norm"));
  builder.add("projection", builder.linear(builder.wide("projection.weight")));
}

/// Attention pooling: the query does not depend on the picture, so its projection is computed here.
void add_siglip_head(module_builder& builder, const vision_tower& tower) {
  const auto weight = builder.wide("head.qkv.weight"), bias = builder.wide("head.qkv.bias");
  const auto query = at::linear(builder.wide("head.probe"), weight.narrow(0, 0, tower.width),
                                bias.narrow(0, 0, tower.width));
  builder.add("query", builder.plain(query.view({1, 1, tower.heads, tower.width / tower.heads})));
  c10::List<at::Tensor> pooling;
  pooling.push_back(builder.linear(weight.narrow(0, tower.width, 2 * tower.width)));
  pooling.push_back(builder.plain(bias.narrow(0, tower.width, 2 * tower.width)));
  pooling.push_back(builder.linear(builder.wide("head.out.weight")));
  pooling.push_back(builder.plain("head.out.bias"));
  builder.add("pooling", pooling);
  builder.add("pooled", builder.feed("head.", "norm"));
}

torch::jit::Module make_module(const vision_weights& weights, const compute_device& on,
                               const int8_calibration& calibration) {
  const auto& tower = weights.tower;
  const bool clip = tower.kind == vision_kind::clip;
  module_builder builder("vision_tower", weights.tensors, on, tower.act);
  add_patch_embedding(builder, tower);
  if (clip)
    add_clip_ends(builder);
  else
    add_siglip_head(builder, tower);
  builder.add("post", builder.norm("post_norm"));
  c10::List<c10::List<at::Tensor>> attention, feed;
  for (std::int64_t i = 0; i < tower.layers; ++i) {
    const auto block = "blocks." + std::to_string(i) + ".";
    const bool split = clip && i + 1 == tower.layers;
    if (on.int8) {
      const auto made = make_int8_block(builder, calibration, block, tower.width, split);
      attention.push_back(made.attention);
      feed.push_back(made.feed);
    } else {
      attention.push_back(builder.attention(block, tower.width, split));
      feed.push_back(builder.feed(block));
    }
  }
  builder.add("attention", attention);
  builder.add("feed", feed);
  // Each definition sees those before it alone.
  std::string source(common_source);
  if (on.int8)
    source += int8_block_source();
  else
    source.append(block_source).append(clip ? last_block_source : "");
  source.append(clip ? clip_source : siglip_source).append(forward_source);
  return builder.compile(source, values_of(tower, on.type), tower.width, tower.eps);
}

/// How many pictures pass through the tower together on a core: the power of two that comes nearest to
/// keeping the widest activation, the feed-forward's, in the caches near it. Beyond that a batch costs up to
/// a quarter more for each picture.
std::int64_t pictures_at_once(const vision_tower& tower, const compute_device& on) {
  constexpr double near_caches = 4 << 20;
  const auto bytes = on.int8 ? 1 : static_cast<std::int64_t>(c10::elementSize(on.type));
  const auto widest = static_cast<double>(tower.tokens() * tower.mlp * bytes);
  return std::int64_t{1} << std::max(0L, std::lround(std::log2(near_caches / widest)));
}

}  // namespace

struct vision_module::impl {
  mutable torch::jit::Module module;
  std::int64_t at_once = 0;                  ///< pictures that pass through `module` together on a core
  std::optional<script_module> script = {};  ///< takes the place of `module`
  vision_tower tower = {};                   ///< of the script
};

vision_module::vision_module(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
vision_module::~vision_module() = default;
vision_module::vision_module(vision_module&&) noexcept = default;
vision_module& vision_module::operator=(vision_module&&) noexcept = default;

result<vision_module> vision_module::build(const vision_weights& weights, const compute_device& on,
                                           const tensor_map& calibration) {
  const auto& tower = weights.tower;
  if (on.int8 && (tower.width % 16 != 0 || tower.mlp % 16 != 0))
    return error{errc::invalid_config, "cannot run this model in int8", tower.architecture(),
                 "its widths " + std::to_string(tower.width) + " and " + std::to_string(tower.mlp) +
                     " are not multiples of 16",
                 "use embed.precision: auto"};
  try {
    const c10::InferenceMode inference;
    auto module = make_module(weights, on, calibration);
    finish_work(on.device);
    return vision_module(std::make_unique<impl>(impl{std::move(module), pictures_at_once(tower, on)}));
  } catch (const std::exception& e) {
    return with_cause(
        {errc::device, "cannot build the model for device", on.device_name + ", " + on.precision_name, "",
         "try embed.precision: fp32 or embed.device: cpu"},
        e);
  }
}

result<vision_module> vision_module::load(const model_folder& folder, const compute_device& on) {
  if (folder.tower.kind == vision_kind::script) {
    if (on.precision_name != "fp32")
      return error{errc::invalid_config, "cannot run a TorchScript module in " + on.precision_name,
                   "embed.precision", "it runs in fp32, as it was imported", "use auto or fp32"};
    auto script = script_module::open(folder.weights_file(), on.device);
    if (!script) return script.error();
    script->drop_tensors();
    auto i = std::make_unique<impl>();
    i->script = std::move(*script);
    i->tower = folder.tower;
    return vision_module(std::move(i));
  }
  const auto weights = vision_weights_of(folder);
  if (!weights) return weights.error();
  int8_calibration calibration;
  if (on.int8) calibration = calibration_of(folder, *weights);
  return build(*weights, on, calibration);
}

at::Tensor vision_module::forward(const at::Tensor& pixels) const {
  const auto pass = [this](const at::Tensor& part) {
    return impl_->script ? impl_->script->forward(part, impl_->tower)
                         : impl_->module.forward({part}).toTensor();
  };
  const auto count = pixels.size(0);
  if (!pixels.device().is_cpu()) return pass(pixels);
  // Several threads share the work of each layer better where there is more of it.
  const auto most = at::get_num_threads() > 1 || impl_->script ? count : impl_->at_once;
  if (pass_size(count, most) == count) return pass(pixels);
  std::vector<at::Tensor> vectors;
  for (std::int64_t from = 0, size = 0; from < count; from += size) {
    size = pass_size(count - from, most);
    vectors.push_back(pass(pixels.narrow(0, from, size)));
  }
  return at::cat(vectors);
}

std::vector<at::Tensor> vision_module::stages(const at::Tensor& pixels) const {
  if (impl_->script) return {};
  return impl_->module.get_method("stages")({pixels, true}).toTensorVector();
}

}  // namespace catwalk::embed
