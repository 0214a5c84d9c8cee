#include "embed/clip_tokenizer.hpp"

#include <array>
#include <queue>
#include <string>
#include <tuple>

#include "embed/clip_words.hpp"

namespace catwalk::embed {
namespace {

/// A word while its symbols are joined, best pair first: a list by position, and a heap of pairs. A pair that
/// is not there any more when its turn comes is skipped, so the cost is n log n whatever the word.
class word_symbols {
 public:
  word_symbols(std::string_view word, const clip_vocabulary& vocabulary) : vocabulary_(vocabulary) {
    symbols_.reserve(word.size());
    for (std::size_t i = 0; i < word.size(); ++i) {
      const bool last = i + 1 == word.size();
      symbols_.push_back({vocabulary.byte(static_cast<unsigned char>(word[i]), last), i, last ? none : i + 1,
                          i == 0 ? none : i - 1});
    }
    for (std::size_t i = 0; i + 1 < word.size(); ++i) offer(i);
  }

  void join() {
    while (!pairs_.empty()) {
      const auto best = pairs_.top();
      pairs_.pop();
      auto& left = symbols_[best.at];
      if (left.id != best.left || left.next == none || symbols_[left.next].id != best.right) continue;
      auto& right = symbols_[left.next];
      left.id = best.into;
      right.id = gone;
      left.next = right.next;
      if (left.next != none) {
        symbols_[left.next].previous = best.at;
        offer(best.at);
      }
      if (left.previous != none) offer(left.previous);
    }
  }

  /// Calls `take` with each id in order, until it returns false.
  template <class Take>
  bool each(Take take) const {
    for (auto at = symbols_.empty() ? none : 0; at != none; at = symbols_[at].next)
      if (!take(symbols_[at].id)) return false;
    return true;
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static constexpr std::int32_t gone = -1;
  struct symbol {
    std::int32_t id;
    std::size_t at, next, previous;
  };
  struct pair {
    std::int32_t rank, left, right, into;
    std::size_t at;
    /// The heap's top is its greatest: the lowest rank, then the leftmost.
    bool operator<(const pair& other) const noexcept {
      return std::tie(other.rank, other.at) < std::tie(rank, at);
    }
  };

  void offer(std::size_t at) {
    const auto left = symbols_[at].id, right = symbols_[symbols_[at].next].id;
    if (const auto* merge = vocabulary_.find_merge(left, right))
      pairs_.push({merge->rank, left, right, merge->into, at});
  }

  const clip_vocabulary& vocabulary_;
  std::vector<symbol> symbols_;
  std::priority_queue<pair> pairs_;
};

}  // namespace

/// False when the ids are full; one place is kept for the end mark.
bool clip_tokenizer::append_word(std::string_view word, std::vector<std::int32_t>& ids) const {
  word_symbols symbols(word, vocabulary_);
  symbols.join();
  return symbols.each([&](std::int32_t id) {
    if (ids.size() + 1 >= context_) return false;
    ids.push_back(id);
    return true;
  });
}

bool clip_tokenizer::append_segment(std::string_view text, std::vector<std::int32_t>& ids) const {
  clip_words words(text);
  for (std::string word; words.next(word);)
    if (!append_word(word, ids)) return false;
  return true;
}

std::vector<std::int32_t> clip_tokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids{vocabulary_.start()};
  // A mark that is written out in the text stands for itself, and what is before it is cleaned by itself.
  struct mark {
    std::string_view text;
    std::int32_t id;
  };
  const std::array marks{mark{"<|startoftext|>", vocabulary_.start()},
                         mark{"<|endoftext|>", vocabulary_.end()}};
  while (true) {
    auto first = std::string_view::npos;
    const mark* found = nullptr;
    for (const auto& one : marks)
      if (const auto at = text.find(one.text); at < first) {
        first = at;
        found = &one;
      }
    if (!append_segment(text.substr(0, first), ids) || !found) break;
    if (ids.size() + 1 >= context_) break;
    ids.push_back(found->id);
    text.remove_prefix(first + found->text.size());
  }
  ids.push_back(vocabulary_.end());
  return ids;
}

}  // namespace catwalk::embed
