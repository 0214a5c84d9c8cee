#pragma once
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "scrape/html_document.hpp"
#include "scrape/selector.hpp"

namespace catwalk::fuzz {

/// Compiles it; aborts where an error names no place or no reason. nullopt: it does not parse.
inline std::optional<scrape::selector> compile_selector(std::string_view text) {
  scrape::selector_error detail;
  auto compiled = scrape::selector::compile(text, &detail);
  if (compiled.has_value()) return std::move(*compiled);
  if (detail.offset > text.size() || detail.message.empty()) std::abort();
  (void)detail.caret(text);
  return std::nullopt;
}

/// Aborts where searching the page and testing each of its elements disagree.
inline void check_selector(const scrape::selector& wanted, const scrape::html_document& document) {
  const auto found = wanted.select(document.root());
  if (found.has_error()) return;
  std::size_t at = 0;
  for (std::uint32_t index = 1; index < document.size(); ++index) {
    const scrape::html_node node = document.node(index);
    const auto fits = wanted.matches(node, document.root());
    if (fits.has_error()) return;
    if (!*fits) continue;
    if (at == found->size() || (*found)[at] != node) std::abort();
    ++at;
    (void)wanted.value_of(node, document.root());
  }
  if (at != found->size()) std::abort();
  const auto first = wanted.first(document.root());
  if (first.has_error() || static_cast<bool>(*first) == found->empty()) std::abort();
  if (*first && *first != found->front()) std::abort();
}

}  // namespace catwalk::fuzz
