#pragma once
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "scrape/html_document.hpp"
#include "scrape/selector_syntax.hpp"

namespace catwalk::scrape::css {

/// Matches elements of one document against a selector, from right to left. Keeps the places of children
/// that `:nth-child` and the like asked for, so one is made for a search and thrown away.
class matcher {
 public:
  /// `scope` is what `:scope` means and where leading combinators start.
  explicit matcher(const html_node& scope) : scope_(scope) {}

  bool matches(const html_node& element, const selector_list& list) { return matches(element, list, scope_); }
  bool matches(const html_node& element, const complex_selector& complex) {
    return match_from(element, complex, complex.compounds.size() - 1, scope_) == verdict::match;
  }
  /// Whether the search was given up: what was found by then may not be all.
  bool exhausted() const noexcept { return steps_ > most_steps; }

 private:
  /// How a part failed tells what need not be tried any more: an element's other siblings, or anything.
  /// Without it nested ancestors would make the time exponential.
  enum class verdict { match, fails_here, fails_for_siblings, fails };

  static constexpr std::uint64_t most_steps = 50'000'000;

  bool matches(const html_node& element, const selector_list& list, const html_node& anchor);
  verdict match_from(const html_node& element, const complex_selector& complex, std::size_t at,
                     const html_node& anchor);
  verdict match_related(const html_node& element, const complex_selector& complex, std::size_t at,
                        const html_node& anchor);
  bool match_anchor(const html_node& element, combinator relation, const html_node& anchor);
  bool match_part(const html_node& element, const simple_selector& part);
  bool match_has(const html_node& element, const complex_selector& complex);
  bool match_nth(const html_node& element, const simple_selector& part);
  std::uint32_t place_of(const html_node& element, const simple_selector& part);
  void number_children(const html_node& parent, const simple_selector& part,
                       std::vector<std::uint32_t>& places);

  html_node scope_;
  std::uint64_t steps_ = 0;
  std::unordered_map<const simple_selector*, std::vector<std::uint32_t>> places_;
};

}  // namespace catwalk::scrape::css
