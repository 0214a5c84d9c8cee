#include <torch/script.h>

#include <exception>
#include <utility>

#include "core/sha256.hpp"
#include "core/thrown.hpp"
#include "embed/model_import.hpp"
#include "embed/script_archive.hpp"
#include "embed/tensor_names.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;

/// Every published CLIP transformer has heads of this width (clip/model.py: `vision_heads = vision_width //
/// 64`, and `transformer_heads` likewise).
constexpr std::int64_t head_width = 64;

error invalid(const fs::path& on, std::string why) {
  return {errc::model_invalid, "cannot import OpenAI model", on.string(), std::move(why),
          "by itself catwalk knows OpenAI's ViT-B-32.pt, ViT-B-16.pt and ViT-L-14.pt as published; any other "
          "TorchScript module needs --dim --image-size --mean --std"};
}

result<vision_tower> read_vision(const fs::path& file, const tensor_map& source) {
  if (source.contains("visual.layer1.0.conv1.weight"))
    return invalid(file, "its image tower is a ResNet; catwalk runs vision transformers");
  if (!source.contains("visual.conv1.weight"))
    return invalid(file, "it is not one of OpenAI's: it lacks the tensor visual.conv1.weight");
  const auto on = file.string();
  const auto patch = shape_in(source, "visual.conv1.weight", 4, on);
  if (!patch) return patch.error();
  const auto positions = shape_in(source, "visual.positional_embedding", 2, on);
  if (!positions) return positions.error();
  const auto feed = shape_in(source, "visual.transformer.resblocks.0.mlp.c_fc.weight", 2, on);
  if (!feed) return feed.error();
  const auto projection = shape_in(source, "visual.proj", 2, on);
  if (!projection) return projection.error();

  vision_tower tower;
  tower.width = (*patch)[0];
  tower.patch = (*patch)[2];
  tower.mlp = (*feed)[0];
  tower.dim = (*projection)[1];
  tower.heads = tower.width / head_width;
  tower.layers = count_blocks(source, "visual.transformer.resblocks.", ".ln_1.weight");
  std::int64_t grid = 0;
  while ((grid + 1) * (grid + 1) <= (*positions)[0] - 1) ++grid;
  tower.image_size = grid * tower.patch;
  if (auto ok = tower.check(on); !ok) return ok.error();
  return tower;
}

result<text_tower> read_text(const fs::path& file, const tensor_map& source) {
  const auto on = file.string();
  const auto words = shape_in(source, "token_embedding.weight", 2, on);
  if (!words) return words.error();
  const auto positions = shape_in(source, "positional_embedding", 2, on);
  if (!positions) return positions.error();
  const auto feed = shape_in(source, "transformer.resblocks.0.mlp.c_fc.weight", 2, on);
  if (!feed) return feed.error();
  const auto projection = shape_in(source, "text_projection", 2, on);
  if (!projection) return projection.error();

  text_tower tower;
  tower.vocabulary = (*words)[0];
  tower.width = (*words)[1];
  tower.context = (*positions)[0];
  tower.mlp = (*feed)[0];
  tower.dim = (*projection)[1];
  tower.heads = tower.width / head_width;
  tower.layers = count_blocks(source, "transformer.resblocks.", ".ln_1.weight");
  if (auto ok = tower.check(on); !ok) return ok.error();
  return tower;
}

result<std::string> hash_of(const fs::path& file) {
  auto mapped = mapped_file::open(file);
  if (!mapped) return mapped.error();
  sha256 hash;
  hash.update((*mapped)->bytes().data(), (*mapped)->bytes().size());
  return to_hex(hash.finish());
}

result<void> read_text_tower(const fs::path& file, const tensor_map& source,
                             const std::optional<fs::path>& vocabulary, imported_model& model) {
  if (!source.contains("token_embedding.weight")) {
    model.no_text = "the file it came from holds no text tower";
    return {};
  }
  auto tower = read_text(file, source);
  if (!tower) return tower.error();
  auto tensors = gather(
      source, tower->shapes(), [](const std::string& name) { return openai_text_names(name, ""); },
      file.string());
  if (!tensors) return tensors.error();
  // Any vocab.json in the same folder may be another model's.
  auto beside = vocabulary;
  const auto own = file.parent_path() / "bpe_simple_vocab_16e6.txt.gz";
  if (!beside && fs::exists(own)) beside = own;
  return attach_text(model, {std::move(*tower), std::move(*tensors)}, beside, {});
}

}  // namespace

result<imported_model> read_openai(const fs::path& file, const std::optional<fs::path>& vocabulary) {
  if (auto ok = check_script_archive(file); !ok) {
    auto failure = ok.error();
    failure.what = "cannot import OpenAI model";
    return failure;
  }
  auto hash = hash_of(file);
  if (!hash) return hash.error();
  tensor_map source;
  try {
    const auto module = torch::jit::load(file.string(), at::kCPU);
    for (const auto& item : module.named_parameters(true)) source[item.name] = item.value.detach();
    for (const auto& item : module.named_buffers(true)) source[item.name] = item.value;
  } catch (const std::exception& e) {
    return invalid(file, "torch cannot read it: " + in_short(e));
  }
  auto tower = read_vision(file, source);
  if (!tower) return tower.error();
  auto tensors = gather(source, tower->shapes(), openai_vision_names, file.string());
  if (!tensors) return tensors.error();
  imported_model model{{std::move(*tower), std::move(*tensors)}, {}, {}, "OpenAI TorchScript", *hash};
  if (auto ok = check_weights(model.weights, file.string(), true); !ok) return ok.error();
  if (auto ok = read_text_tower(file, source, vocabulary, model); !ok) return ok.error();
  return model;
}

}  // namespace catwalk::embed
