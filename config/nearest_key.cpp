#include "config/nearest_key.hpp"

#include <algorithm>
#include <cctype>

namespace catwalk::config {
namespace {

std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Optimal string alignment: Levenshtein's distance with swaps of neighbours.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before.swap(row);
    row.swap(next);
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_key(std::string_view written, const std::vector<std::string>& known) {
  // A very long key is no slip of a known one, and the table above is quadratic.
  if (written.size() > 100) return {};
  const std::string word = folded(written);
  std::string best;
  std::size_t least = std::string::npos;
  for (const auto& candidate : known) {
    const std::size_t d = distance(word, folded(candidate));
    if (d < least) {
      least = d;
      best = candidate;
    }
  }
  const std::size_t permitted = std::max<std::size_t>(1, std::max(word.size(), best.size()) / 3);
  return least <= permitted ? best : std::string();
}

std::string suggestion(std::string_view written, const std::vector<std::string>& known) {
  if (const std::string near = nearest_key(written, known); !near.empty())
    return "did you mean '" + near + "'?";
  if (known.empty()) return {};
  std::string list = "known here: ";
  for (std::size_t i = 0; i < known.size(); ++i) list += (i ? ", " : "") + known[i];
  return list;
}

}  // namespace catwalk::config
