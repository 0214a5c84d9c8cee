#include "embed/vision_tower.hpp"

#include <cmath>
#include <sstream>
#include <utility>

#include "embed/text_tower.hpp"

namespace catwalk::embed {
namespace {

/// Version of decode, resize, crop: raise it when the pixels that reach the tower change.
constexpr int preprocessing_version = 1;

constexpr std::int64_t largest_picture = 4096;
constexpr std::int64_t widest_vector = 65'536;

error invalid(const std::string& on, std::string why) {
  return {errc::model_invalid, "cannot use model", on, std::move(why), "import the model again"};
}

}  // namespace

preprocess_spec vision_tower::preprocessing() const {
  preprocess_spec spec;
  spec.size = static_cast<int>(image_size);
  spec.filter = filter;
  spec.fitting = fitting;
  for (std::size_t c = 0; c < 3; ++c) {
    spec.mean[c] = static_cast<float>(mean[c]);
    spec.deviation[c] = static_cast<float>(std[c]);
  }
  return spec;
}

std::string vision_tower::architecture() const {
  const bool clip = kind == vision_kind::clip;
  std::ostringstream name;
  if (kind == vision_kind::script)
    name << "torchscript";
  else if (width == 768 && layers == 12 && heads == 12 && mlp == 3072 && dim == (clip ? 512 : 768))
    name << (clip ? "clip-vit-" : "siglip-") << "b-" << patch;
  else if (width == 1024 && layers == 24 && heads == 16 && mlp == 4096 && dim == (clip ? 768 : 1024))
    name << (clip ? "clip-vit-" : "siglip-") << "l-" << patch;
  else
    name << (clip ? "clip-vit-" : "siglip-") << 'w' << width << "-l" << layers << "-p" << patch;
  if (image_size != 224) name << '-' << image_size;
  return name.str();
}

std::map<std::string, std::vector<std::int64_t>> vision_tower::shapes() const {
  if (kind == vision_kind::script) return {};
  std::map<std::string, std::vector<std::int64_t>> s{
      {"patch.weight", {width, 3, patch, patch}},
      {"position_embedding", {tokens(), width}},
      {"post_norm.weight", {width}},
      {"post_norm.bias", {width}},
  };
  if (kind == vision_kind::clip) {
    s["class_embedding"] = s["pre_norm.weight"] = s["pre_norm.bias"] = {width};
    s["projection.weight"] = {dim, width};
  } else {
    s["patch.bias"] = {width};
    s["head.probe"] = {1, width};
    s["head.qkv.weight"] = {3 * width, width};
    s["head.qkv.bias"] = {3 * width};
    s["head.out.weight"] = {width, width};
    s["head.norm.weight"] = s["head.norm.bias"] = s["head.out.bias"] = s["head.fc2.bias"] = {width};
    s["head.fc1.weight"] = {mlp, width};
    s["head.fc1.bias"] = {mlp};
    s["head.fc2.weight"] = {width, mlp};
  }
  for (std::int64_t i = 0; i < layers; ++i) add_block_shapes(s, i, width, mlp);
  return s;
}

result<void> vision_tower::check(const std::string& on) const {
  for (std::size_t c = 0; c < 3; ++c)
    if (!std::isfinite(mean[c]) || !std::isfinite(std[c]) || !(std[c] > 0))
      return invalid(on, "its image mean and standard deviation are not usable numbers");
  return kind == vision_kind::script ? check_script(on) : check_transformer(on);
}

result<void> vision_tower::check_script(const std::string& on) const {
  if (image_size < 1 || image_size > largest_picture)
    return invalid(on, "its pictures cannot be " + std::to_string(image_size) + " pixels on a side");
  if (dim < 1 || dim > widest_vector)
    return invalid(on, "its vectors cannot have " + std::to_string(dim) + " numbers");
  return {};
}

result<void> vision_tower::check_transformer(const std::string& on) const {
  const auto within = [](std::int64_t v, std::int64_t most) { return v >= 1 && v <= most; };
  if (!within(image_size, largest_picture) || !within(patch, image_size) || image_size % patch != 0)
    return invalid(on, "an image of " + std::to_string(image_size) +
                           " pixels does not divide into patches of " + std::to_string(patch));
  if (!within(width, 65'536) || !within(mlp, 262'144) || !within(dim, widest_vector) ||
      !within(layers, 1'000))
    return invalid(on, "its sizes (width " + std::to_string(width) + ", feed-forward " + std::to_string(mlp) +
                           ", vector " + std::to_string(dim) + ", layers " + std::to_string(layers) +
                           ") are not those of a vision transformer");
  if (!within(heads, width) || width % heads != 0)
    return invalid(
        on, std::to_string(heads) + " attention heads do not divide a width of " + std::to_string(width));
  if (kind == vision_kind::siglip && dim != width)
    return invalid(on, "its vector of " + std::to_string(dim) + " numbers is not as wide as the tower, " +
                           std::to_string(width));
  if (!(eps > 0) || !(eps < 1)) return invalid(on, "its layer norm epsilon is not between 0 and 1");
  return {};
}

namespace {

nlohmann::json architecture_json(const vision_tower& t) {
  if (t.kind == vision_kind::script)
    return {{"kind", "torchscript"},
            {"dim", t.dim},
            {"image_size", t.image_size},
            {"program_sha256", t.program_sha256}};
  return {{"kind", t.kind == vision_kind::clip ? "clip-vision" : "siglip-vision"},
          {"dim", t.dim},
          {"eps", t.eps},
          {"heads", t.heads},
          {"image_size", t.image_size},
          {"layers", t.layers},
          {"mlp", t.mlp},
          {"patch", t.patch},
          {"width", t.width}};
}

/// Throws what nlohmann's json throws. False: its kind is unknown.
bool read_architecture(const nlohmann::json& a, vision_tower& t) {
  const auto kind = a.at("kind").get<std::string>();
  t.dim = a.at("dim").get<std::int64_t>();
  t.image_size = a.at("image_size").get<std::int64_t>();
  if (kind == "torchscript") {
    t.kind = vision_kind::script;
    t.program_sha256 = a.at("program_sha256").get<std::string>();
    return true;
  }
  t.kind = kind == "clip-vision" ? vision_kind::clip : vision_kind::siglip;
  t.eps = a.at("eps").get<double>();
  t.heads = a.at("heads").get<std::int64_t>();
  t.layers = a.at("layers").get<std::int64_t>();
  t.mlp = a.at("mlp").get<std::int64_t>();
  t.patch = a.at("patch").get<std::int64_t>();
  t.width = a.at("width").get<std::int64_t>();
  return kind == "clip-vision" || kind == "siglip-vision";
}

}  // namespace

nlohmann::json to_json(const vision_tower& t) {
  return {{"architecture", architecture_json(t)},
          {"activation", t.kind == vision_kind::script ? std::string_view() : name_of(t.act)},
          {"preprocessing",
           {{"version", preprocessing_version},
            {"resample", t.filter == interpolation::bicubic ? "bicubic" : "bilinear"},
            {"crop", t.fitting == fit::crop ? "center" : "none"},
            {"size", t.image_size},
            {"mean", t.mean},
            {"std", t.std}}},
          {"normalise", t.normalise}};
}

result<vision_tower> tower_from_json(const nlohmann::json& json, const std::string& on) {
  vision_tower t;
  try {
    const auto& architecture = json.at("architecture");
    if (!read_architecture(architecture, t))
      return invalid(on, "its architecture \"" + architecture.at("kind").get<std::string>() +
                             "\" is unknown to this version");
    const auto name = json.at("activation").get<std::string>();
    const auto act = activation_named(name);
    if (!act && t.kind != vision_kind::script)
      return invalid(on, "its activation \"" + name + "\" is unknown");
    t.act = act.value_or(t.act);
    const auto& p = json.at("preprocessing");
    if (const auto version = p.at("version").get<int>(); version != preprocessing_version)
      return invalid(on, "its preprocessing has version " + std::to_string(version) + ", this program's is " +
                             std::to_string(preprocessing_version));
    const auto resample = p.at("resample").get<std::string>();
    if (resample != "bicubic" && resample != "bilinear")
      return invalid(on, "its resampling \"" + resample + "\" is unknown");
    t.filter = resample == "bicubic" ? interpolation::bicubic : interpolation::bilinear;
    const auto crop = p.at("crop").get<std::string>();
    if (crop != "center" && crop != "none") return invalid(on, "its crop \"" + crop + "\" is unknown");
    t.fitting = crop == "center" ? fit::crop : fit::squash;
    t.mean = p.at("mean").get<std::array<double, 3>>();
    t.std = p.at("std").get<std::array<double, 3>>();
    t.normalise = json.at("normalise").get<bool>();
  } catch (const nlohmann::json::exception& e) {
    return invalid(on, std::string("its description is incomplete: ") + e.what());
  }
  if (auto ok = t.check(on); !ok) return ok.error();
  return t;
}

}  // namespace catwalk::embed
