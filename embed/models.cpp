#include "embed/models.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "embed/int8_calibration.hpp"
#include "embed/known_models.hpp"
#include "embed/model_folder.hpp"
#include "embed/model_import.hpp"
#include "embed/seeded_weights.hpp"
#include "embed/stored_tokenizer.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;

constexpr const char* untrained_name = "untrained";

/// A model's name from its source: the published file's own, else the last part of the path, made usable.
std::string name_from(const fs::path& source, const imported_model& model) {
  if (model.source_sha256 == default_published_model().sha256) return default_published_model().name;
  const auto clean = source.has_filename() ? source : source.parent_path();
  auto name = fs::is_directory(source) ? clean.filename().string() : clean.stem().string();
  for (auto& c : name) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!is_model_name(std::string("x") + c)) c = '-';
  }
  name.erase(0, name.find_first_not_of(".-"));
  return name.empty() ? model.weights.tower.architecture() : name.substr(0, 100);
}

/// The name that `model pull` takes for a stored model that is missing, with a blank; empty: it needs none.
std::string hub_name_of(const std::string& name) {
  if (name == default_published_model().name) return "";
  for (const auto& known : known_models())
    if (name == known.name) return std::string(known.hub) + " ";
  return "";
}

}  // namespace

result<stored_model> import_model(const fs::path& models_dir, const import_request& request) {
  if (request.script && request.calibration)
    return error{errc::invalid_argument, "cannot calibrate a TorchScript module", request.source.string(),
                 "it runs in fp32, as it is", "leave the pictures out"};
  auto model = request.script ? read_script(request.source, *request.script)
                              : read_model(request.source, request.vocabulary);
  if (!model) return model.error();
  stored_model stored;
  std::error_code failed;
  const auto source = fs::canonical(request.source, failed);
  stored.info.name = request.name.value_or(name_from(failed ? request.source : source, *model));
  stored.source = failed ? request.source.string() : source.string();
  if (!request.origin.empty()) stored.source = request.origin;
  stored.source_sha256 = model->source_sha256.empty() ? request.source_sha256 : model->source_sha256;
  stored.files = request.files;
  if (stored.info.name == untrained_name)
    return error{errc::invalid_argument, "cannot store model", stored.info.name,
                 "this name is kept for models without training", "give the model another name"};
  if (!request.force && fs::exists(models_dir / stored.info.name)) {
    const auto existing = read_model_folder(models_dir / stored.info.name);
    const std::string hint = "give the new one another name, or use --force to replace the old one";
    if (!existing)
      return error{errc::invalid_argument, "cannot store model", stored.info.name,
                   "the name is taken by a model that cannot be read: " + existing.error().why, hint};
    if (existing->stored.info.fingerprint != fingerprint_of(model->weights))
      return error{errc::invalid_argument, "cannot store model", stored.info.name,
                   "the name is taken by another model, from " + existing->stored.source, hint};
  }
  std::optional<int8_calibration> calibration;
  if (request.calibration) {
    const auto pictures = read_pictures(*request.calibration, model->weights.tower);
    if (!pictures) return pictures.error();
    calibration = calibrate(model->weights, *pictures);
  }
  auto written = write_model_folder(models_dir, std::move(stored), *model);
  if (!written || !calibration) return written;
  if (auto ok = keep_calibration(written->dir, *calibration); !ok) return ok.error();
  return written;
}

result<stored_model> make_untrained_model(const fs::path& models_dir, std::uint64_t seed) {
  vision_tower tower;
  tower.image_size = 224;
  tower.patch = 32;
  tower.width = 768;
  tower.layers = 12;
  tower.heads = 12;
  tower.mlp = 3072;
  tower.dim = 512;
  stored_model stored;
  stored.info.name = untrained_name;
  stored.info.untrained = true;
  stored.source = "seed " + std::to_string(seed);
  imported_model model{seeded_weights(tower, seed), {}, "an untrained model has no text tower", {}, {}};
  return write_model_folder(models_dir, std::move(stored), model);
}

result<std::vector<stored_model>> list_models(const fs::path& models_dir) {
  std::vector<stored_model> models;
  std::error_code failed;
  if (!fs::exists(models_dir, failed)) return models;
  fs::directory_iterator it(models_dir, failed);
  for (const fs::directory_iterator end; !failed && it != end; it.increment(failed)) {
    const auto name = it->path().filename().string();
    if (name.starts_with('.') || !fs::exists(it->path() / "model.json")) continue;
    auto folder = read_model_folder(it->path());
    // One damaged model hides neither the others nor itself.
    stored_model entry;
    if (folder) {
      entry = std::move(folder->stored);
    } else {
      entry.dir = it->path();
      entry.info.name = name;
      entry.problem = folder.error().to_string();
    }
    models.push_back(std::move(entry));
  }
  if (failed)
    return error{errc::io, "cannot list models", models_dir.string(), failed.message(),
                 "check embed.models_dir"};
  std::sort(models.begin(), models.end(),
            [](const stored_model& a, const stored_model& b) { return a.info.name < b.info.name; });
  return models;
}

result<stored_model> find_model(const fs::path& models_dir, const std::string& name) {
  const error missing{errc::model_missing, "cannot find model", name,
                      "there is no such model in " + models_dir.string(),
                      "catwalk model pull " + hub_name_of(name) +
                          "downloads a model, catwalk model import reads one from disk, catwalk model list "
                          "shows what is there"};
  if (!is_model_name(name)) return missing;
  auto folder = read_model_folder(models_dir / name);
  if (!folder) return folder.error().code == errc::model_missing ? missing : folder.error();
  return std::move(folder->stored);
}

result<stored_model> without_normalising(stored_model model) {
  if (model.raw_fingerprint.empty()) {
    auto folder = read_model_folder(model.dir);
    if (!folder) return folder.error();
    folder->tower.normalise = false;
    const auto weights = vision_weights_of(*folder);
    if (!weights) return weights.error();
    model.raw_fingerprint = fingerprint_of(*weights);
    if (folder->text) {
      folder->text->normalise = false;
      const auto words = load_weights(folder->text_weights_file(), *folder->text);
      if (!words) return words.error();
      model.raw_text_fingerprint = fingerprint_of(*words);
    }
  }
  model.info.normalise = false;
  model.info.fingerprint = model.raw_fingerprint;
  model.text_fingerprint = model.raw_text_fingerprint;
  return model;
}

result<void> remove_model(const fs::path& models_dir, const std::string& name) {
  if (!is_model_name(name) || !fs::exists(models_dir / name / "model.json"))
    return error{errc::model_missing, "cannot remove model", name,
                 "there is no such model in " + models_dir.string(),
                 "catwalk model list shows what is there"};
  std::error_code failed;
  fs::remove_all(models_dir / name, failed);
  if (failed)
    return error{errc::io, "cannot remove model", (models_dir / name).string(), failed.message(),
                 "check the folder's permissions"};
  return {};
}

namespace {

/// A script's tensors may hold infinities on purpose (masks), and have no shapes to be held against.
template <class Tower>
result<void> verify_tower(const stored_model& model, const fs::path& file,
                          const result<tower_weights<Tower>>& weights, const std::string& recorded) {
  if (!weights) return weights.error();
  const bool described = !weights->tower.shapes().empty();
  if (auto ok = described ? check_weights(*weights, file.string(), true) : result<void>(); !ok)
    return ok.error();
  if (const auto found = fingerprint_of(*weights); found != recorded)
    return error{errc::model_invalid, "model does not match its fingerprint", model.dir.string(),
                 file.filename().string() + " hashes to " + found + ", recorded is " + recorded,
                 "remove the model and import it again"};
  return {};
}

}  // namespace

result<void> verify_model(const stored_model& model) {
  auto folder = read_model_folder(model.dir);
  if (!folder) return folder.error();
  if (auto ok = verify_tower(model, folder->weights_file(), vision_weights_of(*folder),
                             folder->stored.info.fingerprint);
      !ok)
    return ok;
  if (!folder->text) return {};
  const auto words = load_weights(folder->text_weights_file(), *folder->text);
  if (auto ok = verify_tower(model, folder->text_weights_file(), words, folder->stored.text_fingerprint); !ok)
    return ok;
  const auto tokenizer = open_tokenizer(*folder);
  return tokenizer ? result<void>() : tokenizer.error();
}

const published_model& default_published_model() {
  // https://github.com/openai/CLIP/blob/main/clip/clip.py, _MODELS["ViT-B/32"]; the address carries the
  // SHA-256.
  static const published_model model{
      "clip-vit-b-32",
      "https://openaipublic.azureedge.net/clip/models/"
      "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af/ViT-B-32.pt",
      "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"};
  return model;
}

const published_model& default_published_vocabulary() {
  // The hash is also the one that open_clip and others record for this file.
  static const published_model vocabulary{
      "bpe_simple_vocab_16e6.txt.gz",
      "https://github.com/openai/CLIP/raw/main/clip/bpe_simple_vocab_16e6.txt.gz",
      "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"};
  return vocabulary;
}

}  // namespace catwalk::embed
