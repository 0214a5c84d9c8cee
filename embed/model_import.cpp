#include "embed/model_import.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;

error unknown(const fs::path& source, std::string why) {
  return {
      errc::model_invalid, "cannot import model", source.string(), std::move(why),
      "catwalk imports a Hugging Face folder of a CLIP model (config.json, model.safetensors) and OpenAI's "
      "ViT-B-32.pt"};
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

result<imported_model> read_file(const fs::path& file) {
  std::string_view bytes;
  auto mapped = mapped_file::open(file);
  if (!mapped) return mapped.error();
  bytes = {reinterpret_cast<const char*>((*mapped)->bytes().data()), (*mapped)->bytes().size()};
  if (bytes.starts_with("PK\x03\x04")) {
    // A zip's names stand uncompressed in its central directory, at its end. TorchScript stores its constants
    // as ARCHIVE/constants.pkl; torch.save does not.
    const auto directory = bytes.substr(bytes.size() - std::min<std::size_t>(bytes.size(), 4 << 20));
    if (directory.find("/constants.pkl") != std::string_view::npos) return read_openai(file);
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

}  // namespace

result<imported_model> read_model(const fs::path& source) {
  std::error_code failed;
  const auto status = fs::status(source, failed);
  if (!fs::exists(status))
    return error{errc::model_missing, "cannot import model", source.string(),
                 "there is no such file or folder", "check the path; catwalk model pull downloads a model"};
  if (!fs::is_directory(status)) return read_file(source);
  if (fs::exists(source / "open_clip_config.json"))
    return unknown(source, "it is an open_clip folder, which this version does not import yet");
  if (fs::exists(source / "modules.json"))
    return unknown(source, "it is a sentence-transformers folder, which this version does not import yet");
  if (fs::exists(source / "config.json")) return read_hugging_face(source);
  return unknown(source, "the folder holds no config.json; it holds " + listing(source));
}

}  // namespace catwalk::embed
