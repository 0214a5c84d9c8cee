#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "embed/models.hpp"

namespace catwalk::embed {

/// A picture, texts, and how like each other a model's authors or users found them. The numbers are logits
/// (cosines times `published_record::scale`) or probabilities (softmax over those).
struct published_check {
  std::string picture;         ///< an address, or a file
  std::string picture_sha256;  ///< empty: not known
  std::vector<std::string> texts;
  std::vector<double> logits;         ///< one for each text; empty where probabilities were published
  std::vector<double> probabilities;  ///< one for each text; empty where logits were published
  double tolerance = 0;               ///< of each number, in fp32
  double rounded_tolerance = 0;       ///< the same in bf16, fp16 and int8
};

struct published_record {
  std::string where;  ///< who published it, for people
  double scale = 100;
  std::vector<published_check> checks;
};

/// What is known of the model of this name; nullptr: nothing.
const published_record* known_record(std::string_view model_name);
/// From a JSON file: `{"where", "scale", "checks": [{"picture", "picture_sha256", "texts", "logits" |
/// "probabilities", "tolerance", "rounded_tolerance"}]}`; pictures that are no addresses are files beside it.
/// Errors: `not_found`, `io`, `invalid_argument`.
result<published_record> read_record(const std::filesystem::path& file);

struct check_outcome {
  std::vector<double> found;  ///< what was published, as this machine finds it
  double furthest = 0;        ///< the largest difference from the published number
  bool within = false;
};
/// `cosines` of the picture with each text; `rounded` in other precisions than fp32.
check_outcome compare(const published_check& check, double scale, const std::vector<double>& cosines,
                      bool rounded);

/// Writes into the model's folder which precisions have given the published numbers; whatever was written
/// before is gone. Errors: `io`, `disk_full`.
result<void> keep_proven(const stored_model& model, const std::string& where,
                         const std::vector<std::string>& precisions);
/// Those that are written there for weights of this fingerprint.
std::vector<std::string> proven_precisions(const std::filesystem::path& folder,
                                           const std::string& fingerprint);

}  // namespace catwalk::embed
