#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.hpp"
#include "embed/vision_tower.hpp"

namespace catwalk::embed {

/// In a struct of its own, since a json converts to everything, `result` included.
struct json_document {
  nlohmann::json value;
};
/// A JSON object of at most 10 MB. Errors: `model_missing`, `io`, `model_invalid`.
result<json_document> read_json_file(const std::filesystem::path& file);

/// Reads from a model's configuration what the tensors do not tell, and checks what both tell. The document
/// and the path outlive it.
class config_reader {
 public:
  config_reader(const nlohmann::json& config, const std::filesystem::path& file)
      : config_(config), file_(file) {}

  /// The value at `key`, or `fallback` where there is none (libraries leave out what equals their default).
  result<std::int64_t> integer(const char* key, std::int64_t fallback) const;
  result<double> number(const char* key, double fallback) const;
  result<std::string> text(const char* key, const std::string& fallback) const;
  result<bool> flag(const char* key, bool fallback) const;
  result<activation> act(const char* key, activation fallback) const;
  /// An error where the configuration says something else than the tensors.
  result<void> agree(const char* key, std::int64_t in_file) const;

 private:
  const nlohmann::json* find(const char* key) const;

  const nlohmann::json& config_;
  const std::filesystem::path& file_;
};

/// Mean, standard deviation, filter and shape from `preprocessor_config.json` (or `processor_config.json`) of
/// a Hugging Face folder; without them `tower` keeps what it has. Errors: `model_invalid` for steps that
/// catwalk does not take.
result<void> read_preprocessor_config(const std::filesystem::path& folder, vision_tower& tower);

}  // namespace catwalk::embed
