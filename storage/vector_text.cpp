#include "storage/vector_text.hpp"

#include <charconv>

namespace catwalk::storage {

std::string shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string vector_as_text(const std::vector<float>& values) {
  std::string text = "[";
  for (const float value : values) {
    if (text.size() > 1) text += ',';
    text += shortest(value);
  }
  return text + ']';
}

std::vector<float> vector_from_text(std::string_view text) {
  std::vector<float> values;
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return values;
  text = text.substr(1, text.size() - 2);
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    float value = 0;
    const auto [rest, problem] = std::from_chars(at, end, value);
    if (problem != std::errc() || (rest != end && *rest != ',')) return {};
    values.push_back(value);
    at = rest + 1;
  }
  return values;
}

}  // namespace catwalk::storage
