#include "embed/published_record.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/file.hpp"
#include "embed/durable_file.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* proof_name = "published.json";

/// CLIP ViT-B/32. The first picture's logits are those that transformers' own tests expect of
/// openai/clip-vit-base-patch32 (tests/models/clip/test_modeling_clip.py); the second one's probabilities
/// those in the README of https://github.com/openai/CLIP, computed in fp16.
const published_record& clip_record() {
  static const published_record record{
      "the README of openai/CLIP and the tests of Hugging Face's transformers",
      100,
      {{"http://images.cocodataset.org/val2017/000000039769.jpg",
        "",
        {"a photo of a cat", "a photo of a dog"},
        {24.5701, 19.3049},
        {},
        0.02,
        1},
       {"https://raw.githubusercontent.com/openai/CLIP/main/CLIP.png",
        "",
        {"a diagram", "a dog", "a cat"},
        {},
        {0.9927937, 0.00421068, 0.00299572},
        0.002,
        0.02}}};
  return record;
}

error unusable(const fs::path& file, std::string why) {
  return {errc::invalid_argument, "cannot use the published numbers", file.string(), std::move(why),
          "catwalk model verify --help shows how the file is written"};
}

bool is_address(const std::string& picture) {
  return picture.starts_with("http://") || picture.starts_with("https://");
}

/// Throws what nlohmann's json throws.
published_check check_from(const json& from, const fs::path& folder) {
  published_check check;
  check.picture = from.at("picture").get<std::string>();
  if (!is_address(check.picture)) check.picture = (folder / check.picture).string();
  check.picture_sha256 = from.value("picture_sha256", "");
  check.texts = from.at("texts").get<std::vector<std::string>>();
  check.logits = from.value("logits", std::vector<double>());
  check.probabilities = from.value("probabilities", std::vector<double>());
  check.tolerance = from.at("tolerance").get<double>();
  check.rounded_tolerance = from.value("rounded_tolerance", check.tolerance);
  return check;
}

bool complete(const published_check& check) {
  const bool one_kind = check.logits.empty() != check.probabilities.empty();
  const auto& numbers = check.logits.empty() ? check.probabilities : check.logits;
  return one_kind && !check.texts.empty() && numbers.size() == check.texts.size() && check.tolerance > 0 &&
         check.rounded_tolerance > 0;
}

std::vector<double> softmax(std::vector<double> logits) {
  const double largest = std::ranges::max(logits);
  double sum = 0;
  for (auto& x : logits) sum += x = std::exp(x - largest);
  for (auto& x : logits) x /= sum;
  return logits;
}

}  // namespace

const published_record* known_record(std::string_view model_name) {
  return model_name == default_published_model().name ? &clip_record() : nullptr;
}

result<published_record> read_record(const fs::path& file) {
  const auto text = read_file(file);
  if (!text) return text.error();
  const json root = json::parse(*text, nullptr, false);
  if (!root.is_object()) return unusable(file, "it is not a JSON object");
  published_record record;
  try {
    record.where = root.value("where", file.string());
    record.scale = root.value("scale", record.scale);
    for (const auto& one : root.at("checks")) {
      record.checks.push_back(check_from(one, file.parent_path()));
      if (!complete(record.checks.back()))
        return unusable(file, "the check of " + record.checks.back().picture +
                                  " needs texts, one logit or one probability for each, and a tolerance");
    }
  } catch (const json::exception& e) {
    return unusable(file, e.what());
  }
  if (record.checks.empty()) return unusable(file, "it holds no check");
  return record;
}

check_outcome compare(const published_check& check, double scale, const std::vector<double>& cosines,
                      bool rounded) {
  check_outcome outcome;
  outcome.found = cosines;
  for (auto& x : outcome.found) x *= scale;
  if (check.logits.empty()) outcome.found = softmax(std::move(outcome.found));
  const auto& published = check.logits.empty() ? check.probabilities : check.logits;
  for (std::size_t i = 0; i < published.size(); ++i)
    outcome.furthest = std::max(outcome.furthest, std::abs(outcome.found[i] - published[i]));
  outcome.within = outcome.furthest <= (rounded ? check.rounded_tolerance : check.tolerance);
  return outcome;
}

result<void> keep_proven(const stored_model& model, const std::string& where,
                         const std::vector<std::string>& precisions) {
  const json proof{
      {"fingerprint", model.info.fingerprint}, {"numbers_from", where}, {"precisions", precisions}};
  return replace_durably(model.dir / proof_name, proof.dump(2) + "\n");
}

std::vector<std::string> proven_precisions(const fs::path& folder, const std::string& fingerprint) {
  std::ifstream in(folder / proof_name);
  const json proof = json::parse(in, nullptr, false);
  try {
    if (proof.is_object() && proof.at("fingerprint").get<std::string>() == fingerprint)
      return proof.at("precisions").get<std::vector<std::string>>();
  } catch (const json::exception&) {
    // Not what keep_proven() writes: nothing is proven.
  }
  return {};
}

}  // namespace catwalk::embed
