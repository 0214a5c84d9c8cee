#include "scrape/gender_word.hpp"

#include <algorithm>
#include <array>

#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

constexpr std::array<std::string_view, 20> for_women{
    "women", "womens", "woman", "womans", "female",  "ladies", "lady",  "girl",   "girls", "damen",
    "femme", "femmes", "dames", "mujer",  "mujeres", "donna",  "donne", "dámské", "ženy",  "kvinder"};
constexpr std::array<std::string_view, 18> for_men{"men",   "mens",   "man",     "mans",   "male",   "guys",
                                                   "guy",   "boy",    "boys",    "herren", "homme",  "hommes",
                                                   "heren", "hombre", "hombres", "uomo",   "pánské", "muži"};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Letters, in which any byte beyond ASCII counts as one.
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

void gender_words::add(std::string_view text) {
  std::string word;
  const auto judge = [&] {
    women_ = women_ || holds(for_women, word);
    men_ = men_ || holds(for_men, word);
    word.clear();
  };
  const std::string lower = lower_ascii(text);
  for (std::size_t i = 0; i < lower.size(); ++i) {
    // "women's" and "men’s" are words of their own.
    if (lower[i] == '\'' && !word.empty()) continue;
    if (!word.empty() && std::string_view(lower).substr(i).starts_with("\u2019")) {
      i += 2;
      continue;
    }
    if (is_letter(lower[i])) {
      word += lower[i];
    } else if (!word.empty()) {
      judge();
    }
  }
  judge();
}

std::string gender_words::verdict() const {
  if (women_ == men_) return {};
  return women_ ? "women" : "men";
}

}  // namespace catwalk::scrape
