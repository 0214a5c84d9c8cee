#include <utility>

#include "core/json_text.hpp"
#include "embed/mapped_file.hpp"
#include "embed/model_config.hpp"
#include "embed/model_import.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

error invalid(const fs::path& on, std::string why) {
  return {errc::model_invalid, "cannot import sentence-transformers model", on.string(), std::move(why),
          "catwalk imports those whose first module is a CLIPModel, as clip-ViT-B-32"};
}

}  // namespace

/// `modules.json` lists what a text or picture passes through, each in a folder of its own.
result<imported_model> read_sentence_transformers(const fs::path& folder,
                                                  const std::optional<fs::path>& vocabulary) {
  const auto file = folder / "modules.json";
  auto mapped = mapped_file::open(file);
  if (!mapped) return mapped.error();
  const auto bytes = (*mapped)->bytes();
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  const auto modules =
      bytes.size() > 1'000'000 ? json() : json::parse(text, text + bytes.size(), nullptr, false);
  if (!modules.is_array() || modules.empty()) return invalid(file, "it is not a list of modules");
  std::optional<std::string> path;
  for (const auto& module : modules) {
    if (!module.is_object() || !module.value("type", json()).is_string() ||
        !module.value("path", json()).is_string())
      return invalid(file, "a module is " + json_text(module));
    const auto type = module["type"].get<std::string>();
    const auto name = type.substr(type.rfind('.') + 1);
    if (!path)
      path = module["path"].get<std::string>();
    else if (name != "Normalize")  // catwalk does that itself, where the sink wants it
      return invalid(file, "behind the first module stands another, " + type);
  }
  if (fs::path(*path).is_absolute() || path->find("..") != std::string::npos)
    return invalid(file, "its first module lies outside the folder, at " + *path);
  auto model = read_hugging_face(path->empty() ? folder : folder / *path, vocabulary);
  if (model) model->format = "sentence-transformers";
  return model;
}

}  // namespace catwalk::embed
