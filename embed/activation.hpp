#pragma once
#include <optional>
#include <string_view>

namespace catwalk::embed {

/// What stands between the two layers of a feed-forward part: x sigmoid(1.702 x), x Phi(x), or its
/// approximation by tanh.
enum class activation { quick_gelu, gelu, gelu_tanh };

/// sigmoid(1.702 x) x: the constant of OpenAI's QuickGELU.
constexpr double quick_gelu_slope = 1.702;

/// As transformers names them: "quick_gelu", "gelu", "gelu_pytorch_tanh".
constexpr std::string_view name_of(activation act) noexcept {
  switch (act) {
    case activation::quick_gelu:
      return "quick_gelu";
    case activation::gelu:
      return "gelu";
    case activation::gelu_tanh:
      return "gelu_pytorch_tanh";
  }
  return "gelu";
}

constexpr std::optional<activation> activation_named(std::string_view name) noexcept {
  for (const auto act : {activation::quick_gelu, activation::gelu, activation::gelu_tanh})
    if (name == name_of(act)) return act;
  return std::nullopt;
}

}  // namespace catwalk::embed
