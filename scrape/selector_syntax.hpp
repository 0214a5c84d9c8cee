#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// The syntax tree of a CSS selector, as the parser builds it and the matcher walks it.

namespace catwalk::scrape::css {

struct complex_selector;
/// Alternatives, separated by commas.
using selector_list = std::vector<complex_selector>;

enum class combinator : std::uint8_t { none, descendant, child, next_sibling, subsequent_sibling };

enum class simple_kind : std::uint8_t {
  any,         ///< `*`
  type,        ///< `name`
  id,          ///< `#text`
  class_name,  ///< `.text`
  attribute,   ///< `[name]`, `[name op "text" i]`
  root,
  scope,
  empty,
  nth_child,  ///< also first-, last- and only-child: `from_end`, and two of them for only-child
  nth_of_type,
  negation,      ///< `:not(list)`
  any_of,        ///< `:is(list)`, `:where(list)`, `:matches(list)`
  has,           ///< `:has(relative list)`
  contains,      ///< `:-soup-contains("a", "b")`
  contains_own,  ///< `:-soup-contains-own("a")`
  language,      ///< `:lang(en, "*-CH")`
  link,
  checked,
  disabled,
  enabled,
  required,
  optional,
  read_only,
  read_write,
  placeholder_shown,
  defined,
  never,  ///< what only a browser knows: `:hover`, `::before` …
};

enum class attribute_operator : std::uint8_t {
  exists,
  equals,
  includes,  ///< `~=` one of the words
  dash,      ///< `|=` the value, or the value and a hyphen
  begins,
  ends,
  holds,    ///< `*=`
  differs,  ///< `!=` not equal, or no such attribute
};

enum class letter_case : std::uint8_t { as_html_says, insensitive, sensitive };

/// Which namespace a name asks for.
enum class name_space_test : std::uint8_t { any, none };

struct simple_selector {
  simple_kind kind = simple_kind::any;
  std::string name;        ///< as written
  std::string lower_name;  ///< in lower case, for HTML's own elements
  std::string text;        ///< id, class, or an attribute's value
  std::vector<std::string> texts;
  attribute_operator operation = attribute_operator::exists;
  letter_case sensitivity = letter_case::as_html_says;
  name_space_test space = name_space_test::any;
  int step = 0, offset = 0;  ///< an+b
  bool from_end = false;
  selector_list list;  ///< of negation, any_of, has and `of`
};

/// What one element must be, and how it stands to the one before it.
struct compound_selector {
  combinator to_previous = combinator::none;
  std::vector<simple_selector> parts;
};

/// Compounds in the order of the text. The first one of a relative selector (in `:has`, or `> img`) has a
/// combinator: it stands so to the scope.
struct complex_selector {
  std::vector<compound_selector> compounds;
  std::string attribute;  ///< catwalk's suffix `@name`; empty: none
};

}  // namespace catwalk::scrape::css
