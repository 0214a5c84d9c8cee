#include "embed/tensor_names.hpp"

#include <ATen/ATen.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace catwalk::embed {
namespace {

using name_table = std::map<std::string, std::string>;

/// "blocks.N.PART.KIND" in its parts; without a block, all but KIND is the part.
struct block_tensor {
  std::string number, part, kind;  ///< kind: "weight" or "bias"
};
std::optional<block_tensor> split_block(const std::string& canonical) {
  if (!canonical.starts_with("blocks.")) return std::nullopt;
  const auto number_end = canonical.find('.', 7), part_end = canonical.rfind('.');
  return block_tensor{canonical.substr(7, number_end - 7),
                      canonical.substr(number_end + 1, part_end - number_end - 1),
                      canonical.substr(part_end + 1)};
}

tensor_source hugging_face_block(const block_tensor& at, const std::string& root) {
  const auto block = root + "encoder.layers." + at.number + ".";
  const auto kind = "." + at.kind;
  if (at.part == "qkv")
    return {{block + "self_attn.q_proj" + kind, block + "self_attn.k_proj" + kind,
             block + "self_attn.v_proj" + kind}};
  if (at.part == "out") return {{block + "self_attn.out_proj" + kind}};
  if (at.part == "norm1") return {{block + "layer_norm1" + kind}};
  if (at.part == "norm2") return {{block + "layer_norm2" + kind}};
  return {{block + "mlp." + at.part + kind}};
}

tensor_source openai_block(const block_tensor& at, const std::string& root) {
  static const name_table parts{{"qkv", "attn.in_proj_"}, {"out", "attn.out_proj."}, {"norm1", "ln_1."},
                                {"norm2", "ln_2."},       {"fc1", "mlp.c_fc."},      {"fc2", "mlp.c_proj."}};
  return {{root + "transformer.resblocks." + at.number + "." + parts.at(at.part) + at.kind}};
}

/// By table, or as canonical where the table says nothing: then it is reported as missing under that name.
tensor_source from_table(const name_table& table, const std::string& canonical) {
  const auto found = table.find(canonical);
  return {{found == table.end() ? canonical : found->second}};
}

error invalid(const std::string& on, std::string why) {
  return {errc::model_invalid, "cannot import model", on, std::move(why),
          "fetch the model again; catwalk imports CLIP and SigLIP models with their projections"};
}

std::string shape_text(at::IntArrayRef shape) {
  return nlohmann::json(shape.vec()).dump();
}

}  // namespace

tensor_source hugging_face_vision_names(const std::string& canonical) {
  if (const auto block = split_block(canonical)) return hugging_face_block(*block, "vision_model.");
  static const name_table table{
      {"patch.weight", "vision_model.embeddings.patch_embedding.weight"},
      {"patch.bias", "vision_model.embeddings.patch_embedding.bias"},
      {"class_embedding", "vision_model.embeddings.class_embedding"},
      {"position_embedding", "vision_model.embeddings.position_embedding.weight"},
      {"pre_norm.weight", "vision_model.pre_layrnorm.weight"},
      {"pre_norm.bias", "vision_model.pre_layrnorm.bias"},
      {"post_norm.weight", "vision_model.post_layernorm.weight"},
      {"post_norm.bias", "vision_model.post_layernorm.bias"},
      {"projection.weight", "visual_projection.weight"},
      {"head.probe", "vision_model.head.probe"},
      {"head.qkv.weight", "vision_model.head.attention.in_proj_weight"},
      {"head.qkv.bias", "vision_model.head.attention.in_proj_bias"},
      {"head.out.weight", "vision_model.head.attention.out_proj.weight"},
      {"head.out.bias", "vision_model.head.attention.out_proj.bias"},
      {"head.norm.weight", "vision_model.head.layernorm.weight"},
      {"head.norm.bias", "vision_model.head.layernorm.bias"},
      {"head.fc1.weight", "vision_model.head.mlp.fc1.weight"},
      {"head.fc1.bias", "vision_model.head.mlp.fc1.bias"},
      {"head.fc2.weight", "vision_model.head.mlp.fc2.weight"},
      {"head.fc2.bias", "vision_model.head.mlp.fc2.bias"},
  };
  return from_table(table, canonical);
}

tensor_source hugging_face_text_names(const std::string& canonical) {
  if (const auto block = split_block(canonical)) return hugging_face_block(*block, "text_model.");
  static const name_table table{
      {"token_embedding", "text_model.embeddings.token_embedding.weight"},
      {"position_embedding", "text_model.embeddings.position_embedding.weight"},
      {"final_norm.weight", "text_model.final_layer_norm.weight"},
      {"final_norm.bias", "text_model.final_layer_norm.bias"},
      {"projection.weight", "text_projection.weight"},
      {"projection.bias", "text_model.head.bias"},
  };
  return from_table(table, canonical);
}

tensor_source openai_vision_names(const std::string& canonical) {
  if (const auto block = split_block(canonical)) return openai_block(*block, "visual.");
  static const name_table table{
      {"patch.weight", "visual.conv1.weight"},
      {"class_embedding", "visual.class_embedding"},
      {"position_embedding", "visual.positional_embedding"},
      {"pre_norm.weight", "visual.ln_pre.weight"},
      {"pre_norm.bias", "visual.ln_pre.bias"},
      {"post_norm.weight", "visual.ln_post.weight"},
      {"post_norm.bias", "visual.ln_post.bias"},
      {"projection.weight", "visual.proj"},
  };
  auto source = from_table(table, canonical);
  // OpenAI keeps the projection as [width, dim] and multiplies from the left.
  source.transposed = canonical == "projection.weight";
  return source;
}

tensor_source openai_text_names(const std::string& canonical, const std::string& prefix) {
  if (const auto block = split_block(canonical)) return openai_block(*block, prefix);
  static const name_table table{
      {"token_embedding", "token_embedding.weight"}, {"position_embedding", "positional_embedding"},
      {"final_norm.weight", "ln_final.weight"},      {"final_norm.bias", "ln_final.bias"},
      {"projection.weight", "text_projection"},      {"projection.bias", "text_projection.bias"},
  };
  auto source = from_table(table, canonical);
  source.transposed = canonical == "projection.weight";
  for (auto& name : source.names) name = prefix + name;
  return source;
}

tensor_source timm_vision_names(const std::string& canonical) {
  const std::string root = "visual.trunk.";
  if (const auto block = split_block(canonical)) {
    static const name_table parts{{"qkv", "attn.qkv"}, {"out", "attn.proj"}, {"fc1", "mlp.fc1"},
                                  {"fc2", "mlp.fc2"},  {"norm1", "norm1"},   {"norm2", "norm2"}};
    return {{root + "blocks." + block->number + "." + parts.at(block->part) + "." + block->kind}};
  }
  if (canonical.starts_with("head.qkv.")) {
    const auto kind = canonical.substr(9);
    return {{root + "attn_pool.q." + kind, root + "attn_pool.kv." + kind}};
  }
  static const name_table table{
      {"patch.weight", "patch_embed.proj.weight"},
      {"patch.bias", "patch_embed.proj.bias"},
      {"position_embedding", "pos_embed"},
      {"post_norm.weight", "norm.weight"},
      {"post_norm.bias", "norm.bias"},
      {"head.probe", "attn_pool.latent"},
      {"head.out.weight", "attn_pool.proj.weight"},
      {"head.out.bias", "attn_pool.proj.bias"},
      {"head.norm.weight", "attn_pool.norm.weight"},
      {"head.norm.bias", "attn_pool.norm.bias"},
      {"head.fc1.weight", "attn_pool.mlp.fc1.weight"},
      {"head.fc1.bias", "attn_pool.mlp.fc1.bias"},
      {"head.fc2.weight", "attn_pool.mlp.fc2.weight"},
      {"head.fc2.bias", "attn_pool.mlp.fc2.bias"},
  };
  auto source = from_table(table, canonical);
  for (auto& name : source.names) name = root + name;
  return source;
}

result<tensor_map> gather(const tensor_map& file, const shape_map& shapes, const naming& names,
                          const std::string& on) {
  tensor_map gathered;
  for (const auto& [canonical, shape] : shapes) {
    const auto source = names(canonical);
    std::vector<at::Tensor> parts;
    for (const auto& name : source.names) {
      const auto found = file.find(name);
      if (found == file.end()) return invalid(on, "it lacks the tensor " + name);
      const auto type = found->second.scalar_type();
      if (type != at::kFloat && type != at::kHalf && type != at::kBFloat16)
        return invalid(on, "tensor " + name + " is of type " + c10::toString(type) +
                               "; float, half or bfloat16 is expected");
      parts.push_back(found->second);
      if (parts.back().dim() == 0 || parts.back().dim() != parts[0].dim() ||
          parts.back().dtype() != parts[0].dtype() ||
          parts.back().sizes().slice(1) != parts[0].sizes().slice(1))
        return invalid(on, "the parts of " + canonical + " differ in shape or type");
    }
    auto tensor = parts.size() == 1 ? parts[0] : at::cat(parts, 0);
    if (source.transposed && tensor.dim() == 2) tensor = tensor.t();
    // Position embeddings and queries come with dimensions of 1 before them.
    while (tensor.dim() > static_cast<std::int64_t>(shape.size()) && tensor.size(0) == 1)
      tensor = tensor.squeeze(0);
    if (tensor.sizes() != at::IntArrayRef(shape))
      return invalid(on, "tensor " + source.names[0] + " has shape " + shape_text(tensor.sizes()) +
                             " where " + shape_text(shape) + " is expected (" + canonical + ")");
    gathered[canonical] = tensor;
  }
  return gathered;
}

result<std::vector<std::int64_t>> shape_in(const tensor_map& file, const std::string& name, std::size_t rank,
                                           const std::string& on) {
  const auto found = file.find(name);
  if (found == file.end()) return invalid(on, "it lacks the tensor " + name);
  if (found->second.dim() != static_cast<std::int64_t>(rank))
    return invalid(on, "tensor " + name + " has shape " + shape_text(found->second.sizes()) + "; " +
                           std::to_string(rank) + " dimensions are expected");
  return found->second.sizes().vec();
}

std::int64_t count_blocks(const tensor_map& file, const std::string& before, const std::string& behind) {
  std::int64_t count = 0;
  while (file.contains(before + std::to_string(count) + behind)) ++count;
  return count;
}

}  // namespace catwalk::embed
