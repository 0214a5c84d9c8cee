#include <ATen/ATen.h>

#include <array>
#include <utility>

#include "embed/model_config.hpp"
#include "embed/model_import.hpp"
#include "embed/tensor_names.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

error invalid(const fs::path& on, std::string why, std::string hint = "fetch the model again") {
  return {errc::model_invalid, "cannot import Hugging Face model", on.string(), std::move(why),
          std::move(hint)};
}

/// What the configuration leaves out, by transformers' own defaults.
struct family {
  vision_kind vision;
  text_kind text;
  activation act;
  double eps;
  std::int64_t text_heads;
};
constexpr family clip_family{vision_kind::clip, text_kind::clip, activation::quick_gelu, 1e-5, 8};
constexpr family siglip_family{vision_kind::siglip, text_kind::siglip, activation::gelu_tanh, 1e-6, 12};

/// A folder under the eyes of the importer.
struct source {
  const fs::path& folder;
  fs::path config_file;
  const json& config;
  const family& of;
  tensor_map tensors;
  bool has_text_config;

  std::string on() const { return weights_file_of(folder, "model").string(); }
  /// The part of the configuration that is about one tower.
  const json& part(const char* name) const {
    static const json none = json::object();
    if (!has_text_config) return config;
    const auto at = config.find(name);
    return at != config.end() && at->is_object() ? *at : none;
  }
};

result<vision_tower> read_vision(const source& from) {
  const auto on = from.on();
  const auto& t = from.tensors;
  const auto patch = shape_in(t, "vision_model.embeddings.patch_embedding.weight", 4, on);
  if (!patch) return patch.error();
  const auto positions = shape_in(t, "vision_model.embeddings.position_embedding.weight", 2, on);
  if (!positions) return positions.error();
  const auto feed = shape_in(t, "vision_model.encoder.layers.0.mlp.fc1.weight", 2, on);
  if (!feed) return feed.error();

  vision_tower tower;
  tower.kind = from.of.vision;
  tower.width = (*patch)[0];
  tower.patch = (*patch)[2];
  tower.mlp = (*feed)[0];
  tower.dim = tower.width;
  if (tower.kind == vision_kind::clip) {
    const auto projection = shape_in(t, "visual_projection.weight", 2, on);
    if (!projection) return projection.error();
    tower.dim = (*projection)[0];
  } else {
    tower.mean = tower.std = {0.5, 0.5, 0.5};
    tower.fitting = fit::squash;
  }
  tower.layers = count_blocks(t, "vision_model.encoder.layers.", ".layer_norm1.weight");
  const config_reader reader(from.part("vision_config"), from.config_file);
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
  const auto act = reader.act("hidden_act", from.of.act);
  if (!act) return act.error();
  tower.act = *act;
  const auto eps = reader.number("layer_norm_eps", from.of.eps);
  if (!eps) return eps.error();
  tower.eps = *eps;
  if (auto ok = tower.check(from.config_file.string()); !ok) return ok.error();
  if ((*positions)[0] != tower.tokens())
    return invalid(from.config_file,
                   "image_size " + std::to_string(tower.image_size) + " makes " +
                       std::to_string(tower.tokens()) + " tokens, but the tensors have " +
                       std::to_string((*positions)[0]),
                   "configuration and weights are of different models: fetch both again");
  if (auto ok = read_preprocessor_config(from.folder, tower); !ok) return ok.error();
  if (auto ok = tower.check(on); !ok) return ok.error();
  return tower;
}

result<text_tower> read_text(const source& from) {
  const auto on = from.on();
  const auto& t = from.tensors;
  const bool clip = from.of.text == text_kind::clip;
  const auto words = shape_in(t, "text_model.embeddings.token_embedding.weight", 2, on);
  if (!words) return words.error();
  const auto positions = shape_in(t, "text_model.embeddings.position_embedding.weight", 2, on);
  if (!positions) return positions.error();
  const auto feed = shape_in(t, "text_model.encoder.layers.0.mlp.fc1.weight", 2, on);
  if (!feed) return feed.error();
  const auto projection = shape_in(t, clip ? "text_projection.weight" : "text_model.head.weight", 2, on);
  if (!projection) return projection.error();

  text_tower tower;
  tower.kind = from.of.text;
  tower.vocabulary = (*words)[0];
  tower.width = (*words)[1];
  tower.context = (*positions)[0];
  tower.mlp = (*feed)[0];
  tower.dim = (*projection)[0];
  tower.layers = count_blocks(t, "text_model.encoder.layers.", ".layer_norm1.weight");
  const config_reader reader(from.part("text_config"), from.config_file);
  const auto heads = reader.integer("num_attention_heads", from.of.text_heads);
  if (!heads) return heads.error();
  tower.heads = *heads;
  for (const auto& [key, value] : {std::pair{"hidden_size", tower.width},
                                   {"intermediate_size", tower.mlp},
                                   {"num_hidden_layers", tower.layers},
                                   {"vocab_size", tower.vocabulary},
                                   {"max_position_embeddings", tower.context}})
    if (auto ok = reader.agree(key, value); !ok) return ok.error();
  const auto act = reader.act("hidden_act", from.of.act);
  if (!act) return act.error();
  tower.act = *act;
  const auto eps = reader.number("layer_norm_eps", from.of.eps);
  if (!eps) return eps.error();
  tower.eps = *eps;
  if (auto ok = tower.check(from.config_file.string()); !ok) return ok.error();
  return tower;
}

/// SigLIP's projection is a layer of the text model itself.
tensor_source text_names(text_kind kind, const std::string& canonical) {
  if (kind == text_kind::siglip && canonical == "projection.weight") return {{"text_model.head.weight"}};
  return hugging_face_text_names(canonical);
}

result<void> read_text_tower(const source& from, const std::optional<fs::path>& vocabulary,
                             imported_model& model) {
  if (!from.tensors.contains("text_model.embeddings.token_embedding.weight")) {
    model.no_text = "the file it came from holds no text tower";
    return {};
  }
  auto tower = read_text(from);
  if (!tower) return tower.error();
  auto tensors = gather(
      from.tensors, tower->shapes(), [&](const std::string& name) { return text_names(tower->kind, name); },
      from.on());
  if (!tensors) return tensors.error();
  return attach_text(model, {std::move(*tower), std::move(*tensors)}, vocabulary, from.folder);
}

}  // namespace

result<imported_model> read_hugging_face(const fs::path& folder, const std::optional<fs::path>& vocabulary) {
  const fs::path config_file = folder / "config.json";
  const auto config = read_json_file(config_file);
  if (!config) return config.error();
  const auto type = config_reader(config->value, config_file).text("model_type", "");
  if (!type) return type.error();
  const bool clip = *type == "clip" || *type == "clip_vision_model";
  const bool siglip = *type == "siglip" || *type == "siglip_vision_model";
  if (!clip && !siglip)
    return invalid(config_file,
                   type->empty() ? "it names no model_type" : "it is a model of type \"" + *type + "\"",
                   "catwalk imports CLIPModel, CLIPVisionModelWithProjection and SiglipModel");
  auto tensors = read_weight_files(folder, "model");
  if (!tensors) return tensors.error();
  const source from{folder,
                    config_file,
                    config->value,
                    clip ? clip_family : siglip_family,
                    std::move(*tensors),
                    *type == "clip" || *type == "siglip"};
  auto tower = read_vision(from);
  if (!tower) return tower.error();
  auto gathered = gather(from.tensors, tower->shapes(), hugging_face_vision_names, from.on());
  if (!gathered) return gathered.error();
  imported_model model{{std::move(*tower), std::move(*gathered)}, {}, {}, "Hugging Face", {}};
  if (auto ok = check_weights(model.weights, from.on(), true); !ok) return ok.error();
  if (auto ok = read_text_tower(from, vocabulary, model); !ok) return ok.error();
  return model;
}

}  // namespace catwalk::embed
