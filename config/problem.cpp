#include "config/problem.hpp"

#include <algorithm>

namespace catwalk::config {

std::string to_string(const place& p) {
  std::string text = p.file;
  if (p.line > 0) text += ":" + std::to_string(p.line);
  if (p.line > 0 && p.column > 0) text += ":" + std::to_string(p.column);
  return text;
}

std::string to_string(const problem& p) {
  std::string text = to_string(p.where);
  if (!text.empty()) text += ": ";
  if (p.severity == problem::level::warning) text += "warning: ";
  text += p.what;
  if (!p.hint.empty()) text += "; " + p.hint;
  return text;
}

bool has_errors(const problems& list) noexcept {
  return std::any_of(list.begin(), list.end(),
                     [](const problem& p) { return p.severity == problem::level::error; });
}

}  // namespace catwalk::config
