#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "scrape/html_document.hpp"
#include "scrape/selector_syntax.hpp"

namespace catwalk::scrape {

/// Why a selector does not parse.
struct selector_error {
  std::size_t offset = 0;  ///< bytes before the place
  std::string message;

  /// The selector, and under it a caret at the place.
  std::string caret(std::string_view selector) const;
};

/// A compiled CSS selector. Level 3, and of level 4 what users of soupsieve know: `:is`, `:where`,
/// `:not(list)`,
/// `:has`, `:nth-child(2n of S)`, the flags `i` and `s`; `[a!="b"]`, `:-soup-contains("text")` (also as
/// `:contains`), `:-soup-contains-own("text")`; a leading combinator (`> img`) starts at the element that is
/// searched.
/// Each alternative may end with `@name`: its value is that attribute instead of the element's text.
///
/// What only a browser knows (`:hover`, `:visited`, `::before` …) parses, matches nothing and is told in
/// `notes()`; unknown names are refused. Immutable, so that any thread may match with it.
class selector {
 public:
  /// `invalid_expression`; `detail` (optional) gets the place.
  static result<selector> compile(std::string_view text, selector_error* detail = nullptr);

  /// The elements under `root` that match, in the order of the document, at most `limit`. `too_large` where
  /// the page is such that the search takes more than 50 million steps.
  result<std::vector<html_node>> select(const html_node& root, std::size_t limit = SIZE_MAX) const;
  /// Calls `take` with each of them until it returns false. Errors: as of select().
  result<void> visit(const html_node& root, const std::function<bool(const html_node&)>& take) const;
  /// The first of them; no place where there is none.
  result<html_node> first(const html_node& root) const;
  /// Whether the element itself matches; `scope` is what `:scope` and a leading combinator mean.
  result<bool> matches(const html_node& element, const html_node& scope) const;

  /// What the selector says of an element that it matches: the value of the first attribute named by a suffix
  /// that the element has, else its visible text where some matching alternative has no suffix.
  std::optional<std::string> value_of(const html_node& element, const html_node& scope) const;

  bool has_suffix() const noexcept;
  /// Parts that never match, in words: "`:hover` never matches: it needs a browser".
  const std::vector<std::string>& notes() const noexcept { return notes_; }
  const css::selector_list& alternatives() const noexcept { return *list_; }

 private:
  std::shared_ptr<const css::selector_list> list_;
  std::vector<std::string> notes_;
};

}  // namespace catwalk::scrape
