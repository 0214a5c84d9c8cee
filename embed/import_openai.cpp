#include <torch/script.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "core/sha256.hpp"
#include "embed/model_import.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;

/// Every published CLIP transformer has heads of this width (clip/model.py: `vision_heads = vision_width //
/// 64`).
constexpr std::int64_t head_width = 64;

error invalid(const fs::path& on, std::string why) {
  return {errc::model_invalid, "cannot import OpenAI model", on.string(), std::move(why),
          "this importer takes OpenAI's ViT-B-32.pt, ViT-B-16.pt and ViT-L-14.pt as published"};
}

/// The first line of torch's message; the rest is a C++ stack.
std::string first_line(const char* text) {
  const std::string all = text;
  return all.substr(0, all.find('\n'));
}

std::string source_name(const std::string& canonical) {
  static const std::map<std::string, std::string> fixed{
      {"patch.weight", "visual.conv1.weight"},
      {"class_embedding", "visual.class_embedding"},
      {"position_embedding", "visual.positional_embedding"},
      {"pre_norm.weight", "visual.ln_pre.weight"},
      {"pre_norm.bias", "visual.ln_pre.bias"},
      {"post_norm.weight", "visual.ln_post.weight"},
      {"post_norm.bias", "visual.ln_post.bias"},
      {"projection.weight", "visual.proj"},
  };
  if (const auto found = fixed.find(canonical); found != fixed.end()) return found->second;
  // blocks.N.PART.(weight|bias)
  static const std::map<std::string, std::string> parts{
      {"qkv", "attn.in_proj_"}, {"out", "attn.out_proj."}, {"norm1", "ln_1."},
      {"norm2", "ln_2."},       {"fc1", "mlp.c_fc."},      {"fc2", "mlp.c_proj."},
  };
  const auto number_end = canonical.find('.', 7);
  const auto part_end = canonical.rfind('.');
  return "visual.transformer.resblocks." + canonical.substr(7, number_end - 7) + "." +
         parts.at(canonical.substr(number_end + 1, part_end - number_end - 1)) +
         canonical.substr(part_end + 1);
}

using tensor_map = std::map<std::string, at::Tensor>;

result<vision_tower> read_tower(const fs::path& file, const tensor_map& source) {
  if (source.contains("visual.layer1.0.conv1.weight"))
    return invalid(file, "its image tower is a ResNet; catwalk runs vision transformers");
  const auto find = [&](const std::string& name, std::int64_t rank) -> result<at::Tensor> {
    const auto found = source.find(name);
    if (found == source.end()) return invalid(file, "it lacks the tensor " + name);
    if (found->second.dim() != rank)
      return invalid(file, "tensor " + name + " has " + std::to_string(found->second.dim()) +
                               " dimensions; " + std::to_string(rank) + " are expected");
    return found->second;
  };
  const auto patch = find("visual.conv1.weight", 4);
  if (!patch) return patch.error();
  const auto positions = find("visual.positional_embedding", 2);
  if (!positions) return positions.error();
  const auto feed = find("visual.transformer.resblocks.0.mlp.c_fc.weight", 2);
  if (!feed) return feed.error();
  const auto projection = find("visual.proj", 2);
  if (!projection) return projection.error();

  vision_tower tower;
  tower.width = patch->size(0);
  tower.patch = patch->size(2);
  tower.mlp = feed->size(0);
  tower.dim = projection->size(1);
  tower.heads = tower.width / head_width;
  while (source.contains("visual.transformer.resblocks." + std::to_string(tower.layers) + ".ln_1.weight"))
    ++tower.layers;
  std::int64_t grid = 0;
  while ((grid + 1) * (grid + 1) <= positions->size(0) - 1) ++grid;
  tower.image_size = grid * tower.patch;
  if (auto ok = tower.check(file.string()); !ok) return ok.error();
  return tower;
}

result<std::string> hash_of(const fs::path& file) {
  auto mapped = mapped_file::open(file);
  if (!mapped) return mapped.error();
  sha256 hash;
  hash.update((*mapped)->bytes().data(), (*mapped)->bytes().size());
  return to_hex(hash.finish());
}

}  // namespace

result<imported_model> read_openai(const fs::path& file) {
  auto hash = hash_of(file);
  if (!hash) return hash.error();
  tensor_map source;
  try {
    const auto module = torch::jit::load(file.string(), at::kCPU);
    for (const auto& item : module.named_parameters(true)) source[item.name] = item.value.detach();
    for (const auto& item : module.named_buffers(true)) source[item.name] = item.value;
  } catch (const std::exception& e) {
    return invalid(file, "torch cannot read it: " + first_line(e.what()));
  }
  auto tower = read_tower(file, source);
  if (!tower) return tower.error();

  imported_model model{{*tower, {}}, "OpenAI TorchScript", std::move(*hash)};
  for (const auto& [canonical, shape] : tower->shapes()) {
    const auto name = source_name(canonical);
    const auto found = source.find(name);
    if (found == source.end()) return invalid(file, "it lacks the tensor " + name);
    // OpenAI keeps the projection as [width, dim] and multiplies from the left.
    model.weights.tensors[canonical] = canonical == "projection.weight" ? found->second.t() : found->second;
  }
  if (auto ok = check_weights(model.weights, file.string(), true); !ok) return ok.error();
  return model;
}

}  // namespace catwalk::embed
