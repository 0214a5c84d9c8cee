#include "embed/model_import.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "core/sha256.hpp"
#include "embed/clip_vocabulary.hpp"
#include "embed/script_module.hpp"
#include "embed/unigram_vocabulary.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;

error unknown(const fs::path& source, std::string why) {
  return {errc::model_invalid, "cannot import model", source.string(), std::move(why),
          "catwalk imports folders of CLIP and SigLIP models as Hugging Face, sentence-transformers and "
          "open_clip publish them, OpenAI's ViT-B-32.pt, and with --dim --image-size --mean --std any "
          "TorchScript module"};
}

/// The first names of a folder, for the error that says what was found.
std::string listing(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
    names.push_back(it->path().filename().string());
  if (names.empty()) return "nothing";
  std::sort(names.begin(), names.end());
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 6); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > 6 ? text + " and " + std::to_string(names.size() - 6) + " more" : text;
}

/// The file, where it looks like a TorchScript archive; else an error that says what it is instead.
result<std::shared_ptr<const mapped_file>> open_archive(const fs::path& file) {
  std::error_code failed;
  if (fs::is_directory(file, failed))
    return unknown(file, "it is a folder, where a TorchScript archive is one file");
  auto mapped = mapped_file::open(file);
  if (!mapped) return mapped.error();
  const std::string_view bytes(reinterpret_cast<const char*>((*mapped)->bytes().data()),
                               (*mapped)->bytes().size());
  if (bytes.starts_with("PK\x03\x04")) {
    // A zip's names stand uncompressed in its central directory, at its end. TorchScript stores its constants
    // as ARCHIVE/constants.pkl; torch.save does not.
    const auto directory = bytes.substr(bytes.size() - std::min<std::size_t>(bytes.size(), 4 << 20));
    if (directory.find("/constants.pkl") != std::string_view::npos) return mapped;
    if (bytes.find("PK\x05\x06") == std::string_view::npos)
      return unknown(file, "it is a zip archive that breaks off: the file is incomplete");
    if (directory.find("/data.pkl") != std::string_view::npos)
      return unknown(file, "it is a pickle made by torch.save, which could run code when opened");
    return unknown(file, "it is a zip archive, but not a TorchScript one");
  }
  if (file.extension() == ".safetensors")
    return unknown(file, "it is a weights file alone: the folder that holds config.json beside it is needed");
  if (bytes.starts_with("\x80\x02")) return unknown(file, "it is a pickle, which could run code when opened");
  return unknown(file, bytes.empty() ? "the file is empty" : "it is of no known format");
}

result<imported_model> read_archive(const fs::path& file, const std::optional<fs::path>& vocabulary) {
  if (const auto archive = open_archive(file); !archive) return archive.error();
  return read_openai(file, vocabulary);
}

bool has_weights(const fs::path& folder, const std::string& stem) {
  return fs::exists(folder / (stem + ".safetensors")) ||
         fs::exists(folder / (stem + ".safetensors.index.json"));
}

struct vocabulary_bytes {
  std::string bytes;  ///< as a stored model keeps it
  std::int64_t size;  ///< tokens
};

/// The vocabulary at `given`, else the one in `folder` (empty: none is looked for).
template <class Vocabulary>
result<std::optional<vocabulary_bytes>> read_vocabulary(const std::optional<fs::path>& given,
                                                        const fs::path& folder) {
  if (given) {
    const auto opened = Vocabulary::open(*given);
    if (!opened) return opened.error();
    return std::optional(vocabulary_bytes{opened->to_json(), opened->size()});
  }
  if (folder.empty()) return std::optional<vocabulary_bytes>();
  const auto found = Vocabulary::find(folder);
  if (!found) return found.error();
  if (!*found) return std::optional<vocabulary_bytes>();
  return std::optional(vocabulary_bytes{(*found)->to_json(), (*found)->size()});
}

}  // namespace

fs::path weights_file_of(const fs::path& folder, const std::string& stem) {
  auto single = folder / (stem + ".safetensors");
  return fs::exists(single) ? single : folder / (stem + ".safetensors.index.json");
}

result<tensor_map> read_weight_files(const fs::path& folder, const std::string& stem) {
  const auto single = folder / (stem + ".safetensors");
  const auto index = folder / (stem + ".safetensors.index.json");
  if (!has_weights(folder, stem)) {
    const auto names = listing(folder);
    return error{errc::model_invalid, "cannot import model", folder.string(),
                 "it has neither " + single.filename().string() + " nor " + index.filename().string() +
                     "; it holds " + names,
                 "catwalk opens no pickles (.bin, .pt of torch.save), which can run code: fetch the model's "
                 "safetensors, or convert it with its own library's save_pretrained"};
  }
  auto opened = fs::exists(single) ? safetensors::open_file(single) : safetensors::open_sharded(index);
  if (!opened) return opened.error();
  return as_tensors(std::make_shared<const safetensors>(std::move(*opened)));
}

result<void> attach_text(imported_model& model, text_weights text, const std::optional<fs::path>& vocabulary,
                         const fs::path& folder) {
  auto words = text.tower.kind == text_kind::siglip ? read_vocabulary<unigram_vocabulary>(vocabulary, folder)
                                                    : read_vocabulary<clip_vocabulary>(vocabulary, folder);
  if (!words) return words.error();
  if (!*words) {
    model.no_text = "it was imported without its vocabulary";
    return {};
  }
  if ((*words)->size > text.tower.vocabulary)
    return error{errc::model_invalid, "cannot import model", (vocabulary ? *vocabulary : folder).string(),
                 "the vocabulary has " + std::to_string((*words)->size) + " tokens, the text tower " +
                     std::to_string(text.tower.vocabulary),
                 "vocabulary and weights are of different models: fetch both again"};
  sha256 hash;
  hash.update((*words)->bytes);
  text.tower.vocabulary_sha256 = to_hex(hash.finish());
  if (auto ok = check_weights(text, "text tower", true); !ok) return ok.error();
  model.text = imported_text{std::move(text), std::move((*words)->bytes)};
  return {};
}

result<imported_model> read_script(const fs::path& file, const script_description& described) {
  vision_tower tower;
  tower.kind = vision_kind::script;
  tower.dim = described.dim;
  tower.image_size = described.image_size;
  tower.mean = described.mean;
  tower.std = described.std;
  tower.filter = described.filter;
  tower.fitting = described.fitting;
  if (auto ok = tower.check(file.string()); !ok)
    return error{errc::invalid_argument, "cannot import model", file.string(), ok.error().why,
                 "check --dim, --image-size, --mean and --std"};
  auto archive = open_archive(file);
  if (!archive) return archive.error();
  auto module = script_module::open(file);
  if (!module) return module.error();
  if (auto ok = module->try_out(tower); !ok) return ok.error();
  tower.program_sha256 = module->program_sha256();
  sha256 hash;
  hash.update((*archive)->bytes().data(), (*archive)->bytes().size());
  return imported_model{{std::move(tower), module->tensors()},
                        {},
                        "a TorchScript module embeds pictures alone",
                        "TorchScript",
                        to_hex(hash.finish()),
                        file};
}

result<imported_model> read_model(const fs::path& source, const std::optional<fs::path>& vocabulary) {
  std::error_code failed;
  const auto status = fs::status(source, failed);
  if (!fs::exists(status))
    return error{errc::model_missing, "cannot import model", source.string(),
                 "there is no such file or folder", "check the path; catwalk model pull downloads a model"};
  if (!fs::is_directory(status)) return read_archive(source, vocabulary);
  // A hub's folder may hold the same model in two forms: open_clip's says more than the other.
  if (fs::exists(source / "open_clip_config.json") && has_weights(source, "open_clip_model"))
    return read_open_clip(source, vocabulary);
  if (fs::exists(source / "modules.json")) return read_sentence_transformers(source, vocabulary);
  if (fs::exists(source / "config.json")) return read_hugging_face(source, vocabulary);
  if (fs::exists(source / "open_clip_config.json")) return read_open_clip(source, vocabulary);
  return unknown(source, "the folder holds no config.json; it holds " + listing(source));
}

}  // namespace catwalk::embed
