#include "embed/known_models.hpp"

#include <algorithm>
#include <array>

#include "config/letter_case.hpp"

namespace catwalk::embed {
namespace {

constexpr std::array<known_model, 6> table{{
    {"openai/clip-vit-base-patch32", "clip-vit-b-32", 512},
    {"sentence-transformers/clip-ViT-B-32", "clip-vit-b-32", 512},
    {"clip-ViT-B-32", "clip-vit-b-32", 512},
    {"google/siglip-base-patch16-384", "siglip-base-patch16-384", 768},
    {"Marqo/marqo-fashionSigLIP", "marqo-fashionsiglip", 768},
    {"google/siglip-large-patch16-384", "siglip-large-patch16-384", 1024},
}};

}  // namespace

std::span<const known_model> known_models() {
  return table;
}

std::string stored_name_of(std::string_view given) {
  const auto lowered = config::lower_case(std::string(given));
  for (const auto& one : table)
    if (lowered == config::lower_case(std::string(one.hub))) return std::string(one.name);
  if (!is_hub_name(given)) return std::string(given);
  return lowered.substr(lowered.rfind('/') + 1);
}

bool is_hub_name(std::string_view given) {
  const auto slash = given.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == given.size() || given[0] == '.' ||
      given.find('/', slash + 1) != std::string_view::npos || given.find("..") != std::string_view::npos)
    return false;
  return std::all_of(given.begin(), given.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/';
  });
}

}  // namespace catwalk::embed
