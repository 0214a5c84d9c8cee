#include "embed/int8_calibration.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "embed/image.hpp"
#include "embed/plain_activation.hpp"
#include "embed/preprocess.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;

/// Tokens that a calibration looks at: more change little.
constexpr std::int64_t enough_tokens = 1'600;

std::string layer_name(std::int64_t block, const char* layer) {
  return "blocks." + std::to_string(block) + "." + layer;
}

fs::path file_of(const fs::path& folder) {
  return folder / "int8.safetensors";
}

shape_map shapes_of(const vision_tower& tower) {
  shape_map shapes;
  for (std::int64_t i = 0; i < tower.layers; ++i)
    for (const char* layer : {"qkv", "out", "fc1", "fc2"}) {
      const auto name = layer_name(i, layer);
      shapes[name + ".shift"] =
          shapes[name + ".scale"] = {std::string_view(layer) == "fc2" ? tower.mlp : tower.width};
      shapes[name + ".zero"] = {1};
    }
  return shapes;
}

/// The byte for 0 that wastes least of 0 to 255 when a row reaches from `low` to `high` on average.
double zero_byte(double low, double high) {
  if (!(high - low > 0)) return 128;
  return std::clamp(std::round(255 * -low / (high - low)), 16.0, 239.0);
}

/// A way of scaling the channels, with what it costs.
struct choice {
  at::Tensor scale;
  double zero = 128;
  double noise = 0;
};

/// The expected noise in the answer of a layer with weights `weight` for inputs `x`: that of rounding the
/// inputs (uniform within a step), and that of rounding the weights, each times what it is multiplied by.
choice rate(const at::Tensor& x, const at::Tensor& power, const at::Tensor& weight, at::Tensor scale) {
  const auto z = x / scale;
  const auto low = z.amin(1).clamp_max(0), high = z.amax(1).clamp_min(0);
  choice c;
  c.zero = zero_byte(low.mean().item<double>(), high.mean().item<double>());
  const auto input_step = at::maximum(high / (255 - c.zero), -low / c.zero);
  const auto scaled = weight * scale;
  const auto weight_step = scaled.abs().amax(1) / 127;
  const auto of_inputs = input_step.square().mean() * scaled.square().sum();
  const auto of_weights = weight_step.square().sum() * (power / scale.square()).sum();
  c.noise = (of_inputs + of_weights).item<double>();
  c.scale = std::move(scale);
  return c;
}

/// Runs the tower in fp32 and looks at what comes before each linear layer.
class observer {
 public:
  explicit observer(const vision_weights& weights) : weights_(weights), tower_(weights.tower) {}

  int8_calibration run(const at::Tensor& pixels) {
    auto x = embed(pixels);
    for (std::int64_t i = 0; i < tower_.layers; ++i) x = block(x, i);
    return std::move(found_);
  }

 private:
  at::Tensor wide(const std::string& name) const { return weights_.tensors.at(name).to(at::kFloat); }

  at::Tensor norm(const at::Tensor& x, const std::string& name) const {
    return at::layer_norm(x, {tower_.width}, wide(name + ".weight"), wide(name + ".bias"), tower_.eps);
  }

  at::Tensor embed(const at::Tensor& pixels) const {
    const auto channels = [](const std::array<double, 3>& values) {
      return at::tensor(at::ArrayRef<double>(values), at::kFloat).view({1, 3, 1, 1});
    };
    auto x = (pixels.to(at::kFloat) / 255 - channels(tower_.mean)) / channels(tower_.std);
    const bool clip = tower_.kind == vision_kind::clip;
    x = at::conv2d(x, wide("patch.weight"), clip ? at::Tensor() : wide("patch.bias"), tower_.patch);
    x = x.flatten(2).transpose(1, 2);
    if (clip) x = at::cat({wide("class_embedding").expand({x.size(0), 1, tower_.width}), x}, 1);
    x = x + wide("position_embedding");
    return clip ? norm(x, "pre_norm") : x;
  }

  at::Tensor block(const at::Tensor& x, std::int64_t i) {
    const auto name = "blocks." + std::to_string(i) + ".";
    const auto batch = x.size(0), tokens = x.size(1), depth = tower_.width / tower_.heads;
    const auto qkv = linear(norm(x, name + "norm1"), i, "qkv")
                         .view({batch, tokens, 3, tower_.heads, depth})
                         .permute({2, 0, 3, 1, 4});
    const auto attended = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
                              .transpose(1, 2)
                              .reshape({batch, tokens, tower_.width});
    const auto y = x + linear(attended, i, "out");
    const auto hidden = activated(linear(norm(y, name + "norm2"), i, "fc1"), tower_.act);
    return y + linear(hidden, i, "fc2");
  }

  at::Tensor linear(const at::Tensor& x, std::int64_t block, const char* layer) {
    const auto name = layer_name(block, layer);
    const auto weight = wide(name + ".weight");
    observe(x.reshape({-1, x.size(-1)}), weight, name);
    return at::linear(x, weight, wide(name + ".bias"));
  }

  void observe(const at::Tensor& rows, const at::Tensor& weight, const std::string& name) {
    const auto shift = rows.mean(0);
    const auto x = rows - shift;
    const auto power = x.square().mean(0);
    const auto size = power.sqrt(), share = weight.square().mean(0).sqrt();
    // A channel that hardly moves, or that no output listens to, needs no scale of its own.
    const auto floor = [](const at::Tensor& t) {
      return t.clamp_min(1e-4 * t.mean().item<double>() + 1e-20);
    };
    auto best = rate(x, power, weight, at::ones_like(size));
    for (const double inputs : {0.25, 0.5, 0.75}) {
      auto scale = floor(size).pow(inputs) / floor(share).pow(1 - inputs);
      auto other = rate(x, power, weight, scale / scale.mean());
      if (other.noise < best.noise) best = std::move(other);
    }
    found_[name + ".shift"] = shift.contiguous();
    found_[name + ".scale"] = best.scale.contiguous();
    found_[name + ".zero"] = at::full({1}, best.zero, at::kFloat);
  }

  const vision_weights& weights_;
  const vision_tower& tower_;
  int8_calibration found_;
};

std::int64_t picture_count(const vision_tower& tower) {
  return std::clamp<std::int64_t>(enough_tokens / tower.tokens(), 8, 32);
}

}  // namespace

int8_calibration calibrate(const vision_weights& weights, const at::Tensor& pixels) {
  const c10::InferenceMode inference;
  return observer(weights).run(pixels);
}

at::Tensor drawn_pictures(const vision_tower& tower) {
  const c10::InferenceMode inference;
  const auto random = at::make_generator<at::CPUGeneratorImpl>(1);
  std::vector<at::Tensor> pictures;
  for (std::int64_t i = 0; i < picture_count(tower); ++i) {
    constexpr std::array<std::int64_t, 6> sides{2, 4, 8, 16, 32, 64};
    const auto side = sides[static_cast<std::size_t>(i) % sides.size()];
    const auto coarse = at::rand({1, 3, side, side}, random, at::kFloat);
    const std::array<std::int64_t, 2> size{tower.image_size, tower.image_size};
    const auto picture =
        i % 2 == 0 ? at::upsample_nearest2d(coarse, size) : at::upsample_bicubic2d(coarse, size, false);
    const auto grain = at::randn(picture.sizes(), random, at::kFloat) * (0.05 * static_cast<double>(i % 3));
    pictures.push_back(((picture + grain).clamp(0, 1) * 255).round().to(at::kByte));
  }
  return at::cat(pictures);
}

result<at::Tensor> read_pictures(const fs::path& folder, const vision_tower& tower) {
  const c10::InferenceMode inference;
  const std::string what = "cannot read the pictures to calibrate with";
  std::vector<fs::path> files;
  std::error_code failed;
  for (fs::recursive_directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
    if (it->is_regular_file()) files.push_back(it->path());
  if (failed) return error{errc::io, what, folder.string(), failed.message(), "name a folder of pictures"};
  std::sort(files.begin(), files.end());
  const auto spec = tower.preprocessing();
  std::vector<at::Tensor> pictures;
  for (const auto& file : files) {
    if (static_cast<std::int64_t>(pictures.size()) == 2 * picture_count(tower)) break;
    std::ifstream in(file, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    const auto image = decode_image(bytes, file.string(), decode_limits());
    if (!image) continue;
    auto pixels = at::empty({1, 3, spec.size, spec.size}, at::kByte);
    if (preprocess_into(*image, spec, pixels.data_ptr<std::uint8_t>())) pictures.push_back(std::move(pixels));
  }
  if (pictures.empty())
    return error{errc::invalid_argument, what, folder.string(),
                 "none of its " + std::to_string(files.size()) + " files is a picture that can be read",
                 "name a folder of JPEG, PNG, WebP, AVIF, GIF or BMP files"};
  return at::cat(pictures);
}

result<void> keep_calibration(const fs::path& folder, const int8_calibration& calibration) {
  const auto file = file_of(folder);
  auto half_made = file;
  half_made += ".new";
  if (auto ok = save_tensors(half_made, calibration); !ok) return ok;
  std::error_code failed;
  fs::rename(half_made, file, failed);
  if (failed)
    return error{errc::io, "cannot store the calibration", file.string(), failed.message(),
                 "check the folder's permissions"};
  return {};
}

int8_calibration calibration_of(const model_folder& folder, const vision_weights& weights) {
  std::error_code failed;
  if (fs::exists(file_of(folder.stored.dir), failed))
    if (auto kept = load_tensors(file_of(folder.stored.dir), shapes_of(weights.tower)))
      return std::move(*kept);
  auto made = calibrate(weights, drawn_pictures(weights.tower));
  // Where the folder is read-only it is made again at the next start, the same.
  (void)keep_calibration(folder.stored.dir, made);
  return made;
}

}  // namespace catwalk::embed
