#include <ATen/ATen.h>

#include <array>
#include <map>
#include <utility>

#include "core/json_text.hpp"
#include "embed/model_config.hpp"
#include "embed/model_import.hpp"
#include "embed/tensor_names.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

error invalid(const fs::path& on, std::string why, std::string hint = "fetch the model again") {
  return {errc::model_invalid, "cannot import open_clip model", on.string(), std::move(why), std::move(hint)};
}

/// What open_clip puts where the configuration says nothing (open_clip/model.py: CLIPVisionCfg, CLIPTextCfg),
/// for settings that change the arithmetic and that catwalk runs with this value alone.
const std::map<std::string, json>& only_values() {
  static const std::map<std::string, json> values{
      {"ls_init_value", nullptr},
      {"attentional_pool", false},
      {"no_ln_pre", false},
      {"pos_embed_type", "learnable"},
      {"final_ln_after_pool", false},
      {"output_tokens", false},
      {"block_type", nullptr},
      {"qk_norm", false},
      {"scaled_cosine_attn", false},
      {"scale_heads", false},
      {"scale_attn_inner", false},
      {"scale_attn", false},
      {"scale_fc", false},
      {"embed_cls", false},
      {"hf_model_name", nullptr},
      {"timm_proj_bias", false},
  };
  return values;
}

result<void> check_values(const json& part, const char* name, const fs::path& file) {
  for (const auto& [key, value] : part.items()) {
    const auto only = only_values().find(key);
    if (only == only_values().end() || value.is_null() || value == only->second || value == "default")
      continue;
    return invalid(file, std::string("its ") + name + "." + key + " is " + json_text(value),
                   "catwalk runs open_clip's plain transformers and timm's SigLIP alone");
  }
  return {};
}

/// GELU in its two forms, or QuickGELU.
result<activation> activation_of(const config_reader& model, const json& part, const fs::path& file) {
  const auto quick = model.flag("quick_gelu", false);
  if (!quick) return quick.error();
  const auto arguments = part.find("act_kwargs");
  if (arguments == part.end() || arguments->is_null())
    return *quick ? activation::quick_gelu : activation::gelu;
  if (*arguments == json{{"approximate", "tanh"}} && !*quick) return activation::gelu_tanh;
  return invalid(file, "its act_kwargs are " + json_text(*arguments), "catwalk knows approximate: tanh");
}

result<double> eps_of(const json& part, const fs::path& file) {
  const auto arguments = part.find("norm_kwargs");
  if (arguments == part.end() || arguments->is_null()) return 1e-5;
  if (!arguments->is_object()) return invalid(file, "its norm_kwargs are no object");
  return config_reader(*arguments, file).number("eps", 1e-5);
}

/// mean, std and resizing; without `preprocess_cfg` open_clip takes OpenAI's.
result<void> read_preprocessing(const json& root, const fs::path& file, vision_tower& tower) {
  const auto found = root.find("preprocess_cfg");
  if (found == root.end() || !found->is_object()) return {};
  try {
    if (found->contains("mean")) tower.mean = found->at("mean").get<std::array<double, 3>>();
    if (found->contains("std")) tower.std = found->at("std").get<std::array<double, 3>>();
  } catch (const json::exception& e) {
    return invalid(file, e.what());
  }
  const config_reader reader(*found, file);
  const auto filter = reader.text("interpolation", "bicubic");
  if (!filter) return filter.error();
  if (*filter != "bicubic" && *filter != "bilinear")
    return invalid(file, "it resizes with the filter \"" + *filter + '"',
                   "catwalk knows bicubic and bilinear");
  tower.filter = *filter == "bicubic" ? interpolation::bicubic : interpolation::bilinear;
  const auto mode = reader.text("resize_mode", "shortest");
  if (!mode) return mode.error();
  if (*mode != "shortest" && *mode != "squash")
    return invalid(file, "its resize_mode is \"" + *mode + '"', "catwalk knows shortest and squash");
  tower.fitting = *mode == "shortest" ? fit::crop : fit::squash;
  return {};
}

/// A folder under the eyes of the importer.
struct source {
  const fs::path& folder;
  fs::path file;  ///< open_clip_config.json
  const json& root;
  const json& model;
  const json& vision;
  const json& text;
  tensor_map tensors;
};

result<vision_tower> read_plain_vision(const source& from) {
  const auto on = weights_file_of(from.folder, "open_clip_model").string();
  const auto patch = shape_in(from.tensors, "visual.conv1.weight", 4, on);
  if (!patch) return patch.error();
  const auto feed = shape_in(from.tensors, "visual.transformer.resblocks.0.mlp.c_fc.weight", 2, on);
  if (!feed) return feed.error();
  const auto projection = shape_in(from.tensors, "visual.proj", 2, on);
  if (!projection) return projection.error();
  const config_reader reader(from.vision, from.file);
  if (const auto pool = reader.text("pool_type", "tok"); !pool || *pool != "tok")
    return pool ? invalid(from.file, "its vision_cfg.pool_type is \"" + *pool + '"', "catwalk knows tok")
                : pool.error();
  vision_tower tower;
  tower.width = (*patch)[0];
  tower.patch = (*patch)[2];
  tower.mlp = (*feed)[0];
  tower.dim = (*projection)[1];
  tower.layers = count_blocks(from.tensors, "visual.transformer.resblocks.", ".ln_1.weight");
  const auto head_width = reader.integer("head_width", 64);
  if (!head_width) return head_width.error();
  tower.heads = *head_width > 0 ? tower.width / *head_width : 0;
  for (const auto& [key, value] :
       {std::pair{"width", tower.width}, {"layers", tower.layers}, {"patch_size", tower.patch}})
    if (auto ok = reader.agree(key, value); !ok) return ok.error();
  const auto act = activation_of(config_reader(from.model, from.file), from.vision, from.file);
  if (!act) return act.error();
  tower.act = *act;
  const auto eps = eps_of(from.vision, from.file);
  if (!eps) return eps.error();
  tower.eps = *eps;
  return tower;
}

/// timm's SigLIP (timm/models/vision_transformer.py: vit_*_siglip_*): pooled by attention, without a
/// projection; exact GELU and an epsilon of 1e-6 whatever the rest of the configuration says.
result<vision_tower> read_timm_vision(const source& from, const std::string& name) {
  const auto on = weights_file_of(from.folder, "open_clip_model").string();
  const config_reader reader(from.vision, from.file);
  const auto pool = reader.text("timm_pool", "avg");
  if (!pool) return pool.error();
  const auto projection = reader.text("timm_proj", "linear");
  if (!projection) return projection.error();
  if (name.find("siglip") == std::string::npos || *pool != "map" ||
      (*projection != "none" && !projection->empty()))
    return invalid(from.file,
                   "its image tower is timm's " + name + " with pooling \"" + *pool + "\" and projection \"" +
                       *projection + '"',
                   "of timm's towers catwalk runs SigLIP's: pooling map, projection none");
  const auto patch = shape_in(from.tensors, "visual.trunk.patch_embed.proj.weight", 4, on);
  if (!patch) return patch.error();
  const auto feed = shape_in(from.tensors, "visual.trunk.blocks.0.mlp.fc1.weight", 2, on);
  if (!feed) return feed.error();
  vision_tower tower;
  tower.kind = vision_kind::siglip;
  tower.width = tower.dim = (*patch)[0];
  tower.patch = (*patch)[2];
  tower.mlp = (*feed)[0];
  tower.layers = count_blocks(from.tensors, "visual.trunk.blocks.", ".norm1.weight");
  // vit_base and vit_large: 64 numbers a head; vit_so400m: 72.
  tower.heads = name.find("so400m") != std::string::npos ? 16 : tower.width / 64;
  tower.act = activation::gelu;
  tower.eps = 1e-6;
  return tower;
}

result<vision_tower> read_vision(const source& from) {
  const config_reader reader(from.vision, from.file);
  const auto timm = reader.text("timm_model_name", "");
  if (!timm) return timm.error();
  auto tower = timm->empty() ? read_plain_vision(from) : read_timm_vision(from, *timm);
  if (!tower) return tower;
  const auto size = reader.integer("image_size", 224);
  if (!size) return size.error();
  tower->image_size = *size;
  if (auto ok = read_preprocessing(from.root, from.file, *tower); !ok) return ok.error();
  if (auto ok = config_reader(from.model, from.file).agree("embed_dim", tower->dim); !ok) return ok.error();
  if (auto ok = tower->check(from.file.string()); !ok) return ok.error();
  return tower;
}

result<text_tower> read_text(const source& from, const std::string& prefix) {
  const auto on = weights_file_of(from.folder, "open_clip_model").string();
  const auto words = shape_in(from.tensors, prefix + "token_embedding.weight", 2, on);
  if (!words) return words.error();
  const auto positions = shape_in(from.tensors, prefix + "positional_embedding", 2, on);
  if (!positions) return positions.error();
  const auto feed = shape_in(from.tensors, prefix + "transformer.resblocks.0.mlp.c_fc.weight", 2, on);
  if (!feed) return feed.error();
  const config_reader reader(from.text, from.file);
  const auto unmasked = reader.flag("no_causal_mask", false);
  if (!unmasked) return unmasked.error();
  const auto pool = reader.text("pool_type", "argmax");
  if (!pool) return pool.error();
  const auto bias = reader.flag("proj_bias", false);
  if (!bias) return bias.error();
  const bool clip = !*unmasked && *pool == "argmax" && !*bias;
  const bool siglip = *unmasked && *pool == "last" && *bias;
  if (!clip && !siglip)
    return invalid(from.file, "its text tower is neither CLIP's nor SigLIP's: pool_type \"" + *pool + '"',
                   "catwalk knows argmax behind a causal mask, and last without one");
  const auto projection =
      shape_in(from.tensors, prefix + (clip ? "text_projection" : "text_projection.weight"), 2, on);
  if (!projection) return projection.error();
  text_tower tower;
  tower.kind = clip ? text_kind::clip : text_kind::siglip;
  if (siglip) tower.cleaning = text_cleaning::words;
  tower.vocabulary = (*words)[0];
  tower.width = (*words)[1];
  tower.context = (*positions)[0];
  tower.mlp = (*feed)[0];
  tower.dim = (*projection)[clip ? 1 : 0];
  tower.layers = count_blocks(from.tensors, prefix + "transformer.resblocks.", ".ln_1.weight");
  const auto heads = reader.integer("heads", 8);
  if (!heads) return heads.error();
  tower.heads = *heads;
  for (const auto& [key, value] : {std::pair{"width", tower.width},
                                   {"layers", tower.layers},
                                   {"vocab_size", tower.vocabulary},
                                   {"context_length", tower.context}})
    if (auto ok = reader.agree(key, value); !ok) return ok.error();
  const auto act = activation_of(config_reader(from.model, from.file), from.text, from.file);
  if (!act) return act.error();
  tower.act = *act;
  const auto eps = eps_of(from.text, from.file);
  if (!eps) return eps.error();
  tower.eps = *eps;
  if (auto ok = tower.check(from.file.string()); !ok) return ok.error();
  return tower;
}

/// SigLIP's projection is a linear layer, CLIP's a matrix to multiply with from the right.
tensor_source text_names(text_kind kind, const std::string& canonical, const std::string& prefix) {
  if (kind == text_kind::siglip && canonical == "projection.weight")
    return {{prefix + "text_projection.weight"}};
  return openai_text_names(canonical, prefix);
}

result<void> read_text_tower(const source& from, const std::optional<fs::path>& vocabulary,
                             imported_model& model) {
  const std::string prefix = from.tensors.contains("text.token_embedding.weight") ? "text." : "";
  if (!from.tensors.contains(prefix + "token_embedding.weight")) {
    model.no_text = "its text tower is not one of open_clip's own";
    return {};
  }
  auto tower = read_text(from, prefix);
  if (!tower) return tower.error();
  auto tensors = gather(
      from.tensors, tower->shapes(),
      [&](const std::string& name) { return text_names(tower->kind, name, prefix); },
      weights_file_of(from.folder, "open_clip_model").string());
  if (!tensors) return tensors.error();
  text_weights weights{std::move(*tower), std::move(*tensors)};
  return attach_text(model, std::move(weights), vocabulary, from.folder);
}

}  // namespace

result<imported_model> read_open_clip(const fs::path& folder, const std::optional<fs::path>& vocabulary) {
  const auto file = folder / "open_clip_config.json";
  const auto root = read_json_file(file);
  if (!root) return root.error();
  const auto part = [](const json& of, const char* name) -> const json& {
    static const json none = json::object();
    const auto at = of.find(name);
    return at != of.end() && at->is_object() ? *at : none;
  };
  const auto& model_config = part(root->value, "model_cfg");
  const auto& vision = part(model_config, "vision_cfg");
  const auto& text = part(model_config, "text_cfg");
  if (vision.empty()) return invalid(file, "it has no model_cfg.vision_cfg");
  if (auto ok = check_values(vision, "vision_cfg", file); !ok) return ok.error();
  if (auto ok = check_values(text, "text_cfg", file); !ok) return ok.error();
  auto tensors = read_weight_files(folder, "open_clip_model");
  if (!tensors) return tensors.error();
  const source from{folder, file, root->value, model_config, vision, text, std::move(*tensors)};
  auto tower = read_vision(from);
  if (!tower) return tower.error();
  const bool timm = tower->kind == vision_kind::siglip;
  auto gathered =
      gather(from.tensors, tower->shapes(), timm ? timm_vision_names : openai_vision_names, folder.string());
  if (!gathered) return gathered.error();
  imported_model model{{std::move(*tower), std::move(*gathered)}, {}, {}, "open_clip", {}};
  if (auto ok = check_weights(model.weights, weights_file_of(folder, "open_clip_model").string(), true); !ok)
    return ok.error();
  if (auto ok = read_text_tower(from, vocabulary, model); !ok) return ok.error();
  return model;
}

}  // namespace catwalk::embed
