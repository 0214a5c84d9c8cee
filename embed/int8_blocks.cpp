#include "embed/int8_blocks.hpp"

#include <string>

namespace catwalk::embed {
namespace {

/// attention: [norm weight, norm bias, zero of qkv, zero of out, qkv, out (, query)], feed: [norm weight,
/// norm bias, zero of fc1, zero of fc2, fc1, fc2, factor, offset], each layer as [weight, scales, zeros,
/// bias].
constexpr std::string_view source = R"(
def int8_linear(self, x: Tensor, zero: int, p: List[Tensor], i: int) -> Tensor:
    return onednn.qlinear_pointwise(x, 1.0, zero, p[i], p[i + 1], p[i + 2], None, 1.0, 0, $TYPE, "none", self.scalars, "")

def int8_feed(self, x: Tensor, y: Tensor, s: Tensor, bias: Tensor, p: List[Tensor]) -> Tensor:
    q, s = catwalk.int8_add_norm(x, y, s, bias, p[0], p[1], $EPS, int(p[2]))
    y = self.int8_linear(q, int(p[2]), p, 4)
    q, s = catwalk.int8_activate(y, s, p[7], $ACT, p[12], p[13], int(p[3]))
    y = self.int8_linear(q, int(p[3]), p, 8)
    return catwalk.int8_add(x, y, s, p[11])

def block(self, x: Tensor, p: List[Tensor], feed: List[Tensor]) -> Tensor:
    q, s = catwalk.int8_norm(x, p[0], p[1], $EPS, int(p[2]))
    y = self.int8_linear(q, int(p[2]), p, 4)
    q, s = catwalk.int8_attention(y, s, p[7], y, s, p[7], $H, int(p[3]))
    y = self.int8_linear(q, int(p[3]), p, 8)
    return self.int8_feed(x, y, s, p[11], feed)

def last_block(self, x: Tensor, p: List[Tensor], feed: List[Tensor]) -> Tensor:
    B = x.size(0)
    q, s = catwalk.int8_norm(x, p[0], p[1], $EPS, int(p[2]))
    kv = self.int8_linear(q, int(p[2]), p, 4)
    first = self.int8_linear(q.select(1, 0).contiguous(), int(p[2]), p, 12)
    scales = s.view([B, $T]).select(1, 0).contiguous()
    q, s = catwalk.int8_attention(first.view([B, 1, $W]), scales, p[15], kv, s, p[7], $H, int(p[3]))
    y = self.int8_linear(q.view([B, $W]), int(p[3]), p, 8)
    return self.int8_feed(x.select(1, 0).contiguous(), y, s, p[11], feed)
)";

/// Weights are kept within 63 where the CPU has no dot products of bytes (VNNI): there oneDNN adds two
/// products in 16 bits, and 255 x 63 twice is the most that fits.
double largest_weight() {
  return cpu_has_byte_dot_products() ? 127 : 63;
}

at::Tensor pack(const at::Tensor& weight) {
  static const auto prepack = c10::Dispatcher::singleton().findSchemaOrThrow("onednn::qlinear_prepack", "");
  torch::jit::Stack stack{weight, c10::IValue()};  // the batch size is left open
  prepack.callBoxed(stack);
  return stack.at(0).toTensor();
}

/// One layer's part of a list: its weights [outputs, inputs] as int8, each output with a scale of its own.
void add_layer(c10::List<at::Tensor>& list, const at::Tensor& weight, const at::Tensor& bias) {
  const auto scales = weight.abs().amax(1).clamp_min(1e-12) / largest_weight();
  list.push_back(pack((weight / scales.unsqueeze(1)).round().to(at::kChar).contiguous()));
  list.push_back(scales.contiguous());
  list.push_back(at::zeros({weight.size(0)}, at::kLong));
  list.push_back(bias.contiguous());
}

/// Where activations become bytes before one layer.
struct channels {
  at::Tensor shift, scale, zero;

  channels(const int8_calibration& calibration, const std::string& layer)
      : shift(calibration.at(layer + ".shift").to(at::kFloat)),
        scale(calibration.at(layer + ".scale").to(at::kFloat)),
        zero(calibration.at(layer + ".zero").to(at::kLong).squeeze(0)) {}

  /// A layer's weight and bias for inputs (x - shift) / scale.
  at::Tensor weight_of(const at::Tensor& weight) const { return weight * scale; }
  at::Tensor bias_of(const at::Tensor& weight, const at::Tensor& bias) const {
    return bias + at::mv(weight, shift);
  }
};

/// The layer norm before a layer, so that it gives (x - shift) / scale.
void add_norm(c10::List<at::Tensor>& list, const module_builder& builder, const std::string& name,
              const channels& to) {
  list.push_back((builder.wide(name + ".weight") / to.scale).contiguous());
  list.push_back(((builder.wide(name + ".bias") - to.shift) / to.scale).contiguous());
}

}  // namespace

std::string_view int8_block_source() {
  return source;
}

int8_block make_int8_block(const module_builder& builder, const int8_calibration& calibration,
                           const std::string& block, std::int64_t width, bool split) {
  const channels qkv(calibration, block + "qkv"), out(calibration, block + "out"),
      first(calibration, block + "fc1"), second(calibration, block + "fc2");
  int8_block made;
  add_norm(made.attention, builder, block + "norm1", qkv);
  made.attention.push_back(qkv.zero);
  made.attention.push_back(out.zero);
  const auto plain = builder.wide(block + "qkv.weight");
  auto weight = qkv.weight_of(plain);
  auto bias = qkv.bias_of(plain, builder.wide(block + "qkv.bias")).clone();
  // Attention's answer is an average of values: what belongs to its channels belongs to the values.
  weight.narrow(0, 2 * width, width).div_(out.scale.unsqueeze(1));
  bias.narrow(0, 2 * width, width).sub_(out.shift).div_(out.scale);
  const auto from = split ? width : 0;
  add_layer(made.attention, weight.narrow(0, from, 3 * width - from), bias.narrow(0, from, 3 * width - from));
  const auto joining = builder.wide(block + "out.weight");
  add_layer(made.attention, out.weight_of(joining), out.bias_of(joining, builder.wide(block + "out.bias")));
  if (split) add_layer(made.attention, weight.narrow(0, 0, width), bias.narrow(0, 0, width));

  add_norm(made.feed, builder, block + "norm2", first);
  made.feed.push_back(first.zero);
  made.feed.push_back(second.zero);
  const auto up = builder.wide(block + "fc1.weight"), down = builder.wide(block + "fc2.weight");
  add_layer(made.feed, first.weight_of(up), first.bias_of(up, builder.wide(block + "fc1.bias")));
  add_layer(made.feed, second.weight_of(down), second.bias_of(down, builder.wide(block + "fc2.bias")));
  made.feed.push_back(second.scale.reciprocal().contiguous());
  made.feed.push_back((-second.shift / second.scale).contiguous());
  return made;
}

}  // namespace catwalk::embed
