#include "embed/model_config.hpp"

#include <array>
#include <utility>

#include "core/json_text.hpp"
#include "embed/mapped_file.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t max_config = 10'000'000;

error invalid(const fs::path& on, std::string why, std::string hint = "fetch the model again") {
  return {errc::model_invalid, "cannot import model", on.string(), std::move(why), std::move(hint)};
}

/// One size that both edges share, from a number or from height and width; nullopt where they differ.
std::optional<std::int64_t> square(const json& size) {
  if (size.is_number_integer()) return size.get<std::int64_t>();
  if (!size.is_object() || !size.contains("height") || !size.contains("width")) return std::nullopt;
  const auto height = size.at("height").get<std::int64_t>();
  return height == size.at("width").get<std::int64_t>() ? std::optional(height) : std::nullopt;
}

std::string in_words(const json& size) {
  if (size.is_object() && size.contains("height") && size.contains("width"))
    return json_text(size["width"]) + " x " + json_text(size["height"]);
  return json_text(size);
}

result<void> read_resizing(const json& p, const fs::path& file, vision_tower& tower) {
  const bool crops = p.value("do_center_crop", tower.fitting == fit::crop);
  tower.fitting = crops ? fit::crop : fit::squash;
  const auto expected = std::to_string(tower.image_size) + " pixels on a side";
  if (crops && p.contains("crop_size") && square(p["crop_size"]) != tower.image_size)
    return invalid(file, "it crops to " + in_words(p["crop_size"]) + ", but the model takes " + expected);
  if (!p.contains("size")) return {};
  const auto& size = p["size"];
  const auto resized = crops && size.is_object() && size.contains("shortest_edge")
                           ? std::optional(size["shortest_edge"].get<std::int64_t>())
                           : square(size);
  if (resized != tower.image_size)
    return invalid(file, "it resizes to " + in_words(size) + ", but the model takes " + expected);
  return {};
}

}  // namespace

result<json_document> read_json_file(const fs::path& file) {
  auto mapped = mapped_file::open(file);
  if (!mapped) return mapped.error();
  const auto bytes = (*mapped)->bytes();
  if (bytes.size() > max_config) return invalid(file, "it is larger than 10 MB");
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  auto parsed = json::parse(text, text + bytes.size(), nullptr, false);
  if (!parsed.is_object()) return invalid(file, "it is not a JSON object");
  return json_document{std::move(parsed)};
}

const json* config_reader::find(const char* key) const {
  const auto at = config_.find(key);
  return at == config_.end() || at->is_null() ? nullptr : &*at;
}

result<std::int64_t> config_reader::integer(const char* key, std::int64_t fallback) const {
  const auto* at = find(key);
  if (!at) return fallback;
  if (!at->is_number_integer()) return invalid(file_, std::string(key) + " is not a whole number");
  return at->get<std::int64_t>();
}

result<double> config_reader::number(const char* key, double fallback) const {
  const auto* at = find(key);
  if (!at) return fallback;
  if (!at->is_number()) return invalid(file_, std::string(key) + " is not a number");
  return at->get<double>();
}

result<std::string> config_reader::text(const char* key, const std::string& fallback) const {
  const auto* at = find(key);
  if (!at) return fallback;
  if (!at->is_string()) return invalid(file_, std::string(key) + " is not a text");
  return at->get<std::string>();
}

result<bool> config_reader::flag(const char* key, bool fallback) const {
  const auto* at = find(key);
  if (!at) return fallback;
  if (!at->is_boolean()) return invalid(file_, std::string(key) + " is neither true nor false");
  return at->get<bool>();
}

result<activation> config_reader::act(const char* key, activation fallback) const {
  const auto name = text(key, std::string(name_of(fallback)));
  if (!name) return name.error();
  if (const auto act = activation_named(*name)) return *act;
  return invalid(file_, std::string("its ") + key + " is \"" + *name + '"',
                 "catwalk knows quick_gelu, gelu and gelu_pytorch_tanh");
}

result<void> config_reader::agree(const char* key, std::int64_t in_file) const {
  const auto* at = find(key);
  if (!at) return {};
  if (!at->is_number_integer() || at->get<std::int64_t>() != in_file)
    return invalid(
        file_,
        std::string(key) + " is " + json_text(*at) + ", but the tensors say " + std::to_string(in_file),
        "configuration and weights are of different models: fetch both again");
  return {};
}

result<void> read_preprocessor_config(const fs::path& folder, vision_tower& tower) {
  fs::path file = folder / "preprocessor_config.json";
  const bool nested = !fs::exists(file);
  if (nested) {
    file = folder / "processor_config.json";
    if (!fs::exists(file)) return {};
  }
  auto read = read_json_file(file);
  if (!read) return read.error();
  json p = std::move(read->value);
  if (nested) {
    if (!p.contains("image_processor")) return {};
    p = json(p["image_processor"]);
  }
  try {
    if (p.contains("image_mean")) tower.mean = p["image_mean"].get<std::array<double, 3>>();
    if (p.contains("image_std")) tower.std = p["image_std"].get<std::array<double, 3>>();
    constexpr int bilinear = 2, bicubic = 3;  // Pillow's numbers
    const int resample = p.value("resample", bicubic);
    if (resample != bilinear && resample != bicubic)
      return invalid(file, "it resizes with Pillow's filter " + std::to_string(resample),
                     "catwalk resizes with filters 2 (bilinear) and 3 (bicubic)");
    tower.filter = resample == bicubic ? interpolation::bicubic : interpolation::bilinear;
    for (const auto* step : {"do_resize", "do_normalize", "do_rescale"})
      if (!p.value(step, true))
        return invalid(file, std::string(step) + " is false",
                       "catwalk takes CLIP's and SigLIP's steps alone");
    return read_resizing(p, file, tower);
  } catch (const json::exception& e) {
    return invalid(file, e.what());
  }
}

}  // namespace catwalk::embed
