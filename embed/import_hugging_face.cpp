#include <ATen/ATen.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "embed/model_import.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t max_config = 10'000'000;

error invalid(const fs::path& on, std::string why, std::string hint = {}) {
  return {errc::model_invalid, "cannot import Hugging Face model", on.string(), std::move(why),
          std::move(hint)};
}

/// In a struct of its own, since a json converts to everything, `result` included.
struct document {
  json value;
};

result<document> read_json(const fs::path& file) {
  auto mapped = mapped_file::open(file);
  if (!mapped) return mapped.error();
  const auto bytes = (*mapped)->bytes();
  if (bytes.size() > max_config) return invalid(file, "it is larger than 10 MB");
  auto parsed = json::parse(reinterpret_cast<const char*>(bytes.data()),
                            reinterpret_cast<const char*>(bytes.data()) + bytes.size(), nullptr, false);
  if (!parsed.is_object()) return invalid(file, "it is not a JSON object", "fetch the model again");
  return document{std::move(parsed)};
}

/// Reads what the tensors do not tell, and checks what both tell.
class config_reader {
 public:
  config_reader(const json& config, const fs::path& file) : config_(config), file_(file) {}

  /// The number at `key`, or `fallback` (transformers leaves out what equals its default).
  result<std::int64_t> integer(const char* key, std::int64_t fallback) const {
    const auto at = config_.find(key);
    if (at == config_.end() || at->is_null()) return fallback;
    if (!at->is_number_integer()) return invalid(file_, std::string(key) + " is not a whole number");
    return at->get<std::int64_t>();
  }
  /// An error where the configuration says something else than the tensors.
  result<void> agree(const char* key, std::int64_t in_file) const {
    const auto at = config_.find(key);
    if (at == config_.end() || at->is_null()) return {};
    if (!at->is_number_integer() || at->get<std::int64_t>() != in_file)
      return invalid(
          file_, std::string(key) + " is " + at->dump() + ", but the tensors say " + std::to_string(in_file),
          "configuration and weights are of different models: fetch both again");
    return {};
  }

 private:
  const json& config_;
  const fs::path& file_;
};

/// mean, std and the steps that catwalk takes. A folder without the file gets CLIP's own numbers.
result<void> read_preprocessing(const fs::path& folder, vision_tower& tower) {
  fs::path file = folder / "preprocessor_config.json";
  bool nested = false;
  if (!fs::exists(file)) {
    file = folder / "processor_config.json";
    nested = true;
    if (!fs::exists(file)) return {};
  }
  auto read = read_json(file);
  if (!read) return read.error();
  json p = std::move(read->value);
  if (nested) {
    if (!p.contains("image_processor")) return {};
    p = json(p["image_processor"]);
  }
  try {
    if (p.contains("image_mean")) tower.mean = p["image_mean"].get<std::array<double, 3>>();
    if (p.contains("image_std")) tower.std = p["image_std"].get<std::array<double, 3>>();
    if (const int resample = p.value("resample", 3); resample != 3)
      return invalid(file, "it resizes with Pillow's filter " + std::to_string(resample),
                     "catwalk resizes with filter 3 (bicubic) alone");
    for (const auto* step : {"do_resize", "do_center_crop", "do_normalize", "do_rescale"})
      if (!p.value(step, true))
        return invalid(file, std::string(step) + " is false", "catwalk takes CLIP's steps alone");
    if (p.contains("crop_size")) {
      const auto& crop = p["crop_size"];
      const auto height = crop.is_object() ? crop.at("height").get<std::int64_t>() : crop.get<std::int64_t>();
      const auto width = crop.is_object() ? crop.at("width").get<std::int64_t>() : height;
      if (height != tower.image_size || width != tower.image_size)
        return invalid(file, "it crops to " + std::to_string(width) + " x " + std::to_string(height) +
                                 ", but the model takes " + std::to_string(tower.image_size) +
                                 " pixels on a side");
    }
  } catch (const json::exception& e) {
    return invalid(file, e.what(), "fetch the model again");
  }
  return {};
}

/// The file's tensor names for one canonical name; several are stacked one below the other.
std::vector<std::string> source_names(const std::string& canonical) {
  static const std::map<std::string, std::string> fixed{
      {"patch.weight", "vision_model.embeddings.patch_embedding.weight"},
      {"class_embedding", "vision_model.embeddings.class_embedding"},
      {"position_embedding", "vision_model.embeddings.position_embedding.weight"},
      {"pre_norm.weight", "vision_model.pre_layrnorm.weight"},
      {"pre_norm.bias", "vision_model.pre_layrnorm.bias"},
      {"post_norm.weight", "vision_model.post_layernorm.weight"},
      {"post_norm.bias", "vision_model.post_layernorm.bias"},
      {"projection.weight", "visual_projection.weight"},
  };
  if (const auto found = fixed.find(canonical); found != fixed.end()) return {found->second};
  // blocks.N.PART.(weight|bias)
  const auto number_end = canonical.find('.', 7);
  const auto part_end = canonical.rfind('.');
  const auto prefix = "vision_model.encoder.layers." + canonical.substr(7, number_end - 7) + ".";
  const auto part = canonical.substr(number_end + 1, part_end - number_end - 1);
  const auto kind = canonical.substr(part_end);
  if (part == "qkv")
    return {prefix + "self_attn.q_proj" + kind, prefix + "self_attn.k_proj" + kind,
            prefix + "self_attn.v_proj" + kind};
  if (part == "out") return {prefix + "self_attn.out_proj" + kind};
  if (part == "norm1") return {prefix + "layer_norm1" + kind};
  if (part == "norm2") return {prefix + "layer_norm2" + kind};
  return {prefix + "mlp." + part + kind};
}

result<vision_tower> read_tower(const fs::path& folder, const json& root, const safetensors& archive) {
  const fs::path config_file = folder / "config.json";
  const auto type = root.value("model_type", std::string());
  if (type != "clip" && type != "clip_vision_model")
    return invalid(config_file,
                   type.empty() ? "it names no model_type" : "it is a model of type \"" + type + "\"",
                   "this version imports CLIP: CLIPModel or CLIPVisionModelWithProjection");
  const json empty = json::object();
  const json& config =
      type == "clip" ? (root.contains("vision_config") ? root["vision_config"] : empty) : root;
  if (!config.is_object()) return invalid(config_file, "vision_config is not an object");

  const auto shape_of = [&](const std::string& name, std::size_t rank) -> result<std::vector<std::int64_t>> {
    const auto found = archive.tensors().find(name);
    if (found == archive.tensors().end())
      return invalid(
          archive.path(), "it lacks the tensor " + name,
          "a CLIPModel or CLIPVisionModelWithProjection is needed, whose image tower has a projection");
    if (found->second.shape.size() != rank)
      return invalid(archive.path(), "tensor " + name + " has shape " + json(found->second.shape).dump() +
                                         "; " + std::to_string(rank) + " dimensions are expected");
    return found->second.shape;
  };
  const auto patch = shape_of("vision_model.embeddings.patch_embedding.weight", 4);
  if (!patch) return patch.error();
  const auto positions = shape_of("vision_model.embeddings.position_embedding.weight", 2);
  if (!positions) return positions.error();
  const auto feed = shape_of("vision_model.encoder.layers.0.mlp.fc1.weight", 2);
  if (!feed) return feed.error();
  const auto projection = shape_of("visual_projection.weight", 2);
  if (!projection) return projection.error();

  vision_tower tower;
  tower.width = (*patch)[0];
  tower.patch = (*patch)[2];
  tower.mlp = (*feed)[0];
  tower.dim = (*projection)[0];
  while (archive.tensors().contains("vision_model.encoder.layers." + std::to_string(tower.layers) +
                                    ".layer_norm1.weight"))
    ++tower.layers;
  const config_reader reader(config, config_file);
  const auto image_size = reader.integer("image_size", 224);
  if (!image_size) return image_size.error();
  tower.image_size = *image_size;
  const auto heads = reader.integer("num_attention_heads", 12);
  if (!heads) return heads.error();
  tower.heads = *heads;
  for (const auto& [key, value] : {std::pair{"hidden_size", tower.width},
                                   {"intermediate_size", tower.mlp},
                                   {"num_hidden_layers", tower.layers},
                                   {"patch_size", tower.patch}})
    if (auto ok = reader.agree(key, value); !ok) return ok.error();

  const auto act = config.contains("hidden_act") ? config["hidden_act"] : json("quick_gelu");
  if (act != "quick_gelu" && act != "gelu")
    return invalid(config_file, "its hidden_act is " + act.dump(), "catwalk knows quick_gelu and gelu");
  tower.act = act == "gelu" ? activation::gelu : activation::quick_gelu;
  if (config.contains("layer_norm_eps")) {
    if (!config["layer_norm_eps"].is_number()) return invalid(config_file, "layer_norm_eps is not a number");
    tower.eps = config["layer_norm_eps"].get<double>();
  }
  if (auto ok = tower.check(config_file.string()); !ok) return ok.error();
  if ((*positions)[0] != tower.tokens())
    return invalid(config_file,
                   "image_size " + std::to_string(tower.image_size) + " makes " +
                       std::to_string(tower.tokens()) + " tokens, but the tensors have " +
                       std::to_string((*positions)[0]),
                   "configuration and weights are of different models: fetch both again");
  if (auto ok = read_preprocessing(folder, tower); !ok) return ok.error();
  if (auto ok = tower.check(folder.string()); !ok) return ok.error();
  return tower;
}

}  // namespace

result<imported_model> read_hugging_face(const fs::path& folder) {
  const auto config = read_json(folder / "config.json");
  if (!config) return config.error();
  const auto single = folder / "model.safetensors";
  const auto index = folder / "model.safetensors.index.json";
  if (!fs::exists(single) && !fs::exists(index)) {
    const bool pickle = fs::exists(folder / "pytorch_model.bin");
    return invalid(
        folder,
        pickle ? "its weights are in pytorch_model.bin alone, a pickle that catwalk does not open"
               : "it has neither model.safetensors nor model.safetensors.index.json",
        "fetch the model.safetensors of the model, or convert it with transformers' save_pretrained");
  }
  auto opened = fs::exists(single) ? safetensors::open_file(single) : safetensors::open_sharded(index);
  if (!opened) return opened.error();
  const auto archive = std::make_shared<const safetensors>(std::move(*opened));
  auto tower = read_tower(folder, config->value, *archive);
  if (!tower) return tower.error();

  imported_model model{{*tower, {}}, "Hugging Face", {}};
  for (const auto& [canonical, shape] : tower->shapes()) {
    std::vector<at::Tensor> parts;
    for (const auto& name : source_names(canonical)) {
      const auto found = archive->tensors().find(name);
      if (found == archive->tensors().end())
        return invalid(archive->path(), "it lacks the tensor " + name, "fetch the model again");
      if (auto type = found->second.type;
          type != tensor_type::f32 && type != tensor_type::f16 && type != tensor_type::bf16)
        return invalid(archive->path(), "tensor " + name + " is of type " + std::string(name_of(type)),
                       "convert the model to F32, F16 or BF16");
      parts.push_back(as_tensor(archive, found->second));
    }
    if (parts.size() > 1)
      for (const auto& part : parts)
        if (part.dim() != parts[0].dim() || part.sizes() != parts[0].sizes() ||
            part.dtype() != parts[0].dtype() || part.dim() == 0)
          return invalid(archive->path(),
                         "query, key and value of " + canonical + " differ in shape or type");
    model.weights.tensors[canonical] = parts.size() == 1 ? parts[0] : at::cat(parts, 0);
  }
  if (auto ok = check_weights(model.weights, archive->path().string(), true); !ok) return ok.error();
  return model;
}

}  // namespace catwalk::embed
