#include "embed/model_folder.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "embed/durable_file.hpp"
#include "embed/mapped_file.hpp"
#include "embed/published_record.hpp"
#include "embed/script_module.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Version of the folder's layout and of the canonical names.
constexpr int format_version = 1;

error invalid(const fs::path& file, std::string why) {
  return {errc::model_invalid, "cannot use stored model", file.string(), std::move(why),
          "remove the model and import it again"};
}

void describe(model_info& info, const vision_tower& tower) {
  info.architecture = tower.architecture();
  info.dim = static_cast<int>(tower.dim);
  info.image_size = static_cast<int>(tower.image_size);
  info.normalise = tower.normalise;
}

/// The fingerprint of the tower whose vectors keep their length.
template <class Tower>
std::string raw_fingerprint_of(tower_weights<Tower> weights) {
  weights.tower.normalise = false;
  return fingerprint_of(weights);
}

result<void> copy_durably(const fs::path& from, const fs::path& to) {
  const auto mapped = mapped_file::open(from);
  if (!mapped) return mapped.error();
  const auto bytes = (*mapped)->bytes();
  return write_durably(to, std::span(&bytes, 1));
}

/// Removes the half-made folder unless it found its place.
struct scratch_folder {
  fs::path path;
  ~scratch_folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

/// A half-made folder's name ends with the process that makes it.
std::string scratch_prefix(const std::string& name) {
  return "." + name + ".new-";
}

/// Removes what a killed import of that name left behind: hundreds of megabytes.
void remove_abandoned(const fs::path& models_dir, const std::string& name) {
  const auto prefix = scratch_prefix(name);
  std::error_code failed;
  std::vector<fs::path> abandoned;
  for (fs::directory_iterator it(models_dir, failed), end; !failed && it != end; it.increment(failed)) {
    const auto entry = it->path().filename().string();
    if (!entry.starts_with(prefix)) continue;
    pid_t maker = 0;
    std::from_chars(entry.data() + prefix.size(), entry.data() + entry.size(), maker);
    if (maker > 0 && ::kill(maker, 0) != 0 && errno == ESRCH) abandoned.push_back(it->path());
  }
  for (const auto& path : abandoned) fs::remove_all(path, failed);
}

}  // namespace

bool is_model_name(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 100 && name[0] != '.' && std::all_of(name.begin(), name.end(), fits);
}

result<model_folder> read_model_folder(const fs::path& dir) {
  const auto file = dir / "model.json";
  auto mapped = mapped_file::open(file);
  if (!mapped) return mapped.error();
  const auto bytes = (*mapped)->bytes();
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  const json root = json::parse(text, text + bytes.size(), nullptr, false);
  if (!root.is_object()) return invalid(file, "it is not a JSON object");
  model_folder folder;
  auto& stored = folder.stored;
  stored.dir = dir;
  try {
    if (const int version = root.at("format").get<int>(); version != format_version)
      return invalid(file, "its format is " + std::to_string(version) + "; this version reads " +
                               std::to_string(format_version));
    stored.info.name = root.at("name").get<std::string>();
    stored.info.fingerprint = root.at("fingerprint").get<std::string>();
    stored.info.untrained = root.at("untrained").get<bool>();
    stored.source = root.at("source").get<std::string>();
    stored.source_sha256 = root.at("source_sha256").get<std::string>();
    stored.raw_fingerprint = root.value("raw_fingerprint", "");
    stored.raw_text_fingerprint = root.value("raw_text_fingerprint", "");
    stored.files = root.value("files", std::map<std::string, std::string>());
    auto tower = tower_from_json(root.at("tower"), file.string());
    if (!tower) return tower.error();
    folder.tower = *tower;
    // Models that an earlier version stored have neither.
    stored.no_text =
        root.value("no_text", std::string("it was imported by a version that read no text towers"));
    if (const auto part = root.find("text"); part != root.end()) {
      auto read = text_tower_from_json(part->at("tower"), file.string());
      if (!read) return read.error();
      folder.text = std::move(*read);
      stored.text_fingerprint = part->at("fingerprint").get<std::string>();
      stored.no_text.clear();
    }
  } catch (const json::exception& e) {
    return invalid(file, e.what());
  }
  describe(stored.info, folder.tower);
  stored.proven = proven_precisions(dir, stored.info.fingerprint);
  return folder;
}

result<model_folder> open_model_folder(const stored_model& model) {
  auto folder = read_model_folder(model.dir);
  if (!folder) return folder;
  folder->stored = model;
  folder->tower.normalise = model.info.normalise;
  if (folder->text) folder->text->normalise = model.info.normalise;
  return folder;
}

result<vision_weights> vision_weights_of(const model_folder& folder) {
  return folder.tower.kind == vision_kind::script ? script_weights(folder.weights_file(), folder.tower)
                                                  : load_weights(folder.weights_file(), folder.tower);
}

result<stored_model> write_model_folder(const fs::path& models_dir, stored_model stored,
                                        const imported_model& model) {
  if (!is_model_name(stored.info.name))
    return error{errc::invalid_argument, "cannot store model", stored.info.name, "this is not a usable name",
                 "use lower-case letters, digits, '-', '_' and '.'"};
  stored.dir = models_dir / stored.info.name;
  describe(stored.info, model.weights.tower);
  stored.info.fingerprint = fingerprint_of(model.weights);
  stored.no_text = model.no_text;
  stored.raw_fingerprint = raw_fingerprint_of(model.weights);
  if (model.text) {
    stored.text_fingerprint = fingerprint_of(model.text->weights);
    stored.raw_text_fingerprint = raw_fingerprint_of(model.text->weights);
  }

  remove_abandoned(models_dir, stored.info.name);
  const scratch_folder scratch{models_dir / (scratch_prefix(stored.info.name) + std::to_string(::getpid()))};
  std::error_code failed;
  fs::create_directories(scratch.path, failed);
  if (failed)
    return error{errc::io, "cannot create models folder", models_dir.string(), failed.message(),
                 "give the user that runs catwalk permission to write there, or set embed.models_dir"};
  model_folder names;
  names.stored.dir = scratch.path;
  names.tower.kind = model.weights.tower.kind;
  if (auto ok = model.archive.empty() ? save_tensors(names.weights_file(), model.weights.tensors)
                                      : copy_durably(model.archive, names.weights_file());
      !ok)
    return ok.error();
  json root{{"format", format_version},
            {"name", stored.info.name},
            {"fingerprint", stored.info.fingerprint},
            {"untrained", stored.info.untrained},
            {"source", stored.source},
            {"source_sha256", stored.source_sha256},
            {"raw_fingerprint", stored.raw_fingerprint},
            {"raw_text_fingerprint", stored.raw_text_fingerprint},
            {"files", stored.files},
            {"tower", to_json(model.weights.tower)}};
  if (model.text) {
    if (auto ok = save_tensors(names.text_weights_file(), model.text->weights.tensors); !ok)
      return ok.error();
    if (auto ok = write_durably(names.vocabulary_file(), model.text->vocabulary); !ok) return ok.error();
    root["text"] = {{"tower", to_json(model.text->weights.tower)}, {"fingerprint", stored.text_fingerprint}};
  } else {
    root["no_text"] = stored.no_text;
  }
  if (auto ok = write_durably(scratch.path / "model.json", root.dump(2) + "\n"); !ok) return ok.error();
  if (auto ok = replace_folder(scratch.path, stored.dir); !ok) return ok.error();
  return stored;
}

}  // namespace catwalk::embed
