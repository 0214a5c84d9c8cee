#include "scrape/selector_parser.hpp"

#include <array>
#include <optional>
#include <utility>

#include "scrape/selector_names.hpp"
#include "scrape/selector_position.hpp"
#include "scrape/selector_scanner.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape::css {
namespace {

constexpr std::size_t longest_selector = 16'384;
constexpr int deepest_nesting = 32;

std::optional<combinator> combinator_of(char c) {
  switch (c) {
    case '>':
      return combinator::child;
    case '+':
      return combinator::next_sibling;
    case '~':
      return combinator::subsequent_sibling;
    default:
      return std::nullopt;
  }
}

class parser {
 public:
  explicit parser(std::string_view text) : scan_(text) {}

  parsed_selector read() {
    parsed_selector parsed;
    parsed.list = read_list(false);
    if (!scan_.at_end()) scan_.fail("expected a selector, found " + scan_.found());
    parsed.notes = std::move(notes_);
    return parsed;
  }

 private:
  /// Alternatives up to the end or a closing parenthesis, which stays. Empty alternatives are errors.
  selector_list read_list(bool nested) {
    if (++depth_ > deepest_nesting) scan_.fail("selectors are nested more than 32 deep");
    selector_list list;
    do {
      list.push_back(read_complex(nested));
    } while (scan_.take(','));
    --depth_;
    return list;
  }

  complex_selector read_complex(bool nested) {
    complex_selector complex;
    scan_.skip_blanks();
    combinator next = combinator::none;
    if (const auto leading = combinator_of(scan_.peek())) {
      if (nested && !relative_)
        scan_.fail("a combinator at the beginning is for `:has` and the whole selector");
      scan_.skip();
      scan_.skip_blanks();
      next = *leading;
    } else if (nested && relative_) {
      next = combinator::descendant;
    }
    for (;;) {
      complex.compounds.push_back(read_compound(next));
      const bool blank = scan_.skip_blanks();
      if (at_end_of_complex()) return complex;
      if (scan_.peek() == '@') {
        read_suffix(complex, nested);
        return complex;
      }
      if (const auto written = combinator_of(scan_.peek())) {
        scan_.skip();
        scan_.skip_blanks();
        next = *written;
      } else if (blank) {
        next = combinator::descendant;
      } else {
        scan_.fail("unexpected " + scan_.found());
      }
    }
  }

  bool at_end_of_complex() const { return scan_.at_end() || scan_.peek() == ',' || scan_.peek() == ')'; }

  void read_suffix(complex_selector& complex, bool nested) {
    if (nested) scan_.fail("@ and an attribute's name go to the end of the whole selector");
    scan_.skip();
    // Attributes may be named as no identifier of CSS is: `@:href`, `@data-src`.
    const std::size_t start = scan_.position();
    while (scan_.take(':')) complex.attribute += ':';
    complex.attribute += lower_ascii(scan_.name_characters());
    if (scan_.position() == start) scan_.fail("expected an attribute's name after @, found " + scan_.found());
    scan_.skip_blanks();
    if (!at_end_of_complex())
      scan_.fail("expected the end after @" + complex.attribute + ", found " + scan_.found());
  }

  compound_selector read_compound(combinator to_previous) {
    compound_selector compound;
    compound.to_previous = to_previous;
    if (scan_.starts_name() || scan_.peek() == '*' || scan_.peek() == '|') {
      compound.parts.push_back(read_type());
    }
    for (;;) {
      scan_.skip_comments();
      const char c = scan_.peek();
      if (c == '#') {
        compound.parts.push_back(read_id());
      } else if (c == '.') {
        scan_.skip();
        simple_selector one;
        one.kind = simple_kind::class_name;
        one.text = scan_.name();
        compound.parts.push_back(std::move(one));
      } else if (c == '[') {
        compound.parts.push_back(read_attribute());
      } else if (c == ':') {
        read_pseudo(compound);
      } else {
        break;
      }
    }
    if (compound.parts.empty()) scan_.fail("expected a selector, found " + scan_.found());
    return compound;
  }

  /// `*`, `name`, `*|name`, `|name`.
  simple_selector read_type() {
    simple_selector one;
    const std::size_t start = scan_.position();
    if (scan_.peek() == '|' && scan_.peek(1) != '=') {
      scan_.skip();
      one.space = name_space_test::none;
      read_type_name(one);
      return one;
    }
    read_type_name(one);
    if (scan_.peek() == '|' && scan_.peek(1) != '=') {
      if (one.kind != simple_kind::any) undeclared(start, one.name);
      scan_.skip();
      read_type_name(one);
    }
    return one;
  }

  void read_type_name(simple_selector& one) {
    if (scan_.take('*')) {
      one.kind = simple_kind::any;
      return;
    }
    one.kind = simple_kind::type;
    set_name(one, scan_.name());
  }

  static void set_name(simple_selector& one, std::string name) {
    one.lower_name = lower_ascii(name);
    one.name = std::move(name);
  }

  [[noreturn]] static void undeclared(std::size_t where, const std::string& prefix) {
    scanner::fail_at(where, "the namespace \"" + prefix + "\" is declared nowhere");
  }

  simple_selector read_id() {
    scan_.skip();
    simple_selector one;
    one.kind = simple_kind::id;
    one.text = scan_.name();
    return one;
  }

  simple_selector read_attribute() {
    const std::size_t start = scan_.position();
    scan_.expect('[');
    scan_.skip_blanks();
    simple_selector one;
    one.kind = simple_kind::attribute;
    read_attribute_name(one);
    scan_.skip_blanks();
    if (scan_.take(']')) return one;
    one.operation = read_operator();
    scan_.skip_blanks();
    if (scan_.starts_string()) {
      one.text = scan_.string();
    } else if (scan_.starts_name()) {
      one.text = scan_.name();
    } else if (scan_.at_end()) {
      scanner::fail_at(start, "a bracket that is not closed");
    } else {
      scan_.fail("expected a name or a text in quotes, found " + scan_.found());
    }
    const bool blank = scan_.skip_blanks();
    if (scan_.starts_name()) {
      const std::size_t flag_at = scan_.position();
      const std::string flag = lower_ascii(scan_.name());
      if (!blank && one.text.empty()) scanner::fail_at(flag_at, "expected \"]\"");
      if (flag != "i" && flag != "s")
        scanner::fail_at(flag_at, "unknown flag \"" + flag + "\": there are i and s");
      one.sensitivity = flag == "i" ? letter_case::insensitive : letter_case::sensitive;
      scan_.skip_blanks();
    }
    if (scan_.at_end()) scanner::fail_at(start, "a bracket that is not closed");
    scan_.expect(']');
    return one;
  }

  void read_attribute_name(simple_selector& one) {
    const std::size_t start = scan_.position();
    if (scan_.peek() == '*' && scan_.peek(1) == '|') {
      scan_.skip(2);
    } else if (scan_.peek() == '|') {
      scan_.skip();
      one.space = name_space_test::none;
    }
    set_name(one, scan_.name());
    if (scan_.peek() == '|' && scan_.peek(1) != '=') undeclared(start, one.name);
  }

  attribute_operator read_operator() {
    struct spelled {
      char c;
      attribute_operator operation;
    };
    static constexpr std::array<spelled, 6> operators{{{'~', attribute_operator::includes},
                                                       {'|', attribute_operator::dash},
                                                       {'^', attribute_operator::begins},
                                                       {'$', attribute_operator::ends},
                                                       {'*', attribute_operator::holds},
                                                       {'!', attribute_operator::differs}}};
    if (scan_.take('=')) return attribute_operator::equals;
    for (const spelled& one : operators) {
      if (scan_.peek() != one.c || scan_.peek(1) != '=') continue;
      scan_.skip(2);
      return one.operation;
    }
    scan_.fail("expected \"]\" or one of = ~= |= ^= $= *= !=, found " + scan_.found());
  }

  void read_pseudo(compound_selector& compound) {
    const std::size_t start = scan_.position();
    scan_.expect(':');
    const bool element = scan_.take(':');
    const std::string name = lower_ascii(scan_.name());
    const bool function = scan_.peek() == '(';
    if (element || (!function && is_colon_element(name))) {
      if (!element || is_pseudo_element(name)) {
        never(compound, (element ? "::" : ":") + name, "pseudo-elements are not in the document");
        return;
      }
      scanner::fail_at(start, "unknown pseudo-element \"::" + name + '"' +
                                  (name == "attr" || name == "text"
                                       ? ": for an attribute write @name at the end, the text comes by itself"
                                       : ""));
    }
    if (function) {
      scan_.skip();
      read_function(compound, name, start);
      scan_.skip_blanks();
      if (!scan_.take(')')) {
        if (scan_.at_end()) scanner::fail_at(start, ":" + name + "( is not closed");
        scan_.fail("expected \")\", found " + scan_.found());
      }
      return;
    }
    read_plain_class(compound, name, start);
  }

  void never(compound_selector& compound, const std::string& what, const std::string& why) {
    simple_selector one;
    one.kind = simple_kind::never;
    compound.parts.push_back(std::move(one));
    notes_.push_back('`' + what + "` never matches: " + why);
  }

  void read_plain_class(compound_selector& compound, const std::string& name, std::size_t start) {
    const auto add_nth = [&](simple_kind kind, bool from_end) {
      simple_selector one;
      one.kind = kind;
      one.offset = 1;
      one.from_end = from_end;
      compound.parts.push_back(std::move(one));
    };
    if (const auto plain = plain_class(name)) {
      simple_selector one;
      one.kind = *plain;
      compound.parts.push_back(std::move(one));
    } else if (name == "first-child" || name == "last-child") {
      add_nth(simple_kind::nth_child, name == "last-child");
    } else if (name == "first-of-type" || name == "last-of-type") {
      add_nth(simple_kind::nth_of_type, name == "last-of-type");
    } else if (name == "only-child" || name == "only-of-type") {
      const auto kind = name == "only-child" ? simple_kind::nth_child : simple_kind::nth_of_type;
      add_nth(kind, false);
      add_nth(kind, true);
    } else if (is_browser_class(name)) {
      never(compound, ":" + name, "it needs a browser");
    } else {
      refuse_class(name, start);
    }
  }

  [[noreturn]] static void refuse_class(const std::string& name, std::size_t start) {
    if (is_class_not_done(name)) {
      scanner::fail_at(start, "\":" + name + "\" is not supported by catwalk");
    }
    scanner::fail_at(start, "unknown pseudo-class \":" + name + '"');
  }

  void read_function(compound_selector& compound, const std::string& name, std::size_t start) {
    simple_selector one;
    if (name == "not" || name == "is" || name == "where" || name == "matches" || name == "any") {
      one.kind = name == "not" ? simple_kind::negation : simple_kind::any_of;
      one.list = read_nested(false);
    } else if (name == "has") {
      one.kind = simple_kind::has;
      one.list = read_nested(true);
    } else if (name == "nth-child" || name == "nth-last-child") {
      one.kind = simple_kind::nth_child;
      one.from_end = name == "nth-last-child";
      set_position(one);
      read_of(one);
    } else if (name == "nth-of-type" || name == "nth-last-of-type") {
      one.kind = simple_kind::nth_of_type;
      one.from_end = name == "nth-last-of-type";
      set_position(one);
    } else if (name == "-soup-contains" || name == "contains" || name == "-soup-contains-own") {
      one.kind = name == "-soup-contains-own" ? simple_kind::contains_own : simple_kind::contains;
      one.texts = read_texts();
    } else if (name == "lang") {
      one.kind = simple_kind::language;
      one.texts = read_texts();
    } else {
      if (name == "host" || name == "host-context" || name == "current") {
        scanner::fail_at(start, "\":" + name + "()\" needs a browser");
      }
      refuse_class(name + "()", start);
    }
    compound.parts.push_back(std::move(one));
  }

  /// The list in a function's parentheses; it may be empty.
  selector_list read_nested(bool relative) {
    scan_.skip_blanks();
    if (scan_.peek() == ')') return {};
    const bool outer = std::exchange(relative_, relative);
    selector_list list = read_list(true);
    relative_ = outer;
    return list;
  }

  std::vector<std::string> read_texts() {
    std::vector<std::string> texts;
    do {
      scan_.skip_blanks();
      if (scan_.starts_string()) {
        texts.push_back(scan_.string());
      } else {
        texts.push_back(scan_.name());
      }
      scan_.skip_blanks();
    } while (scan_.take(','));
    return texts;
  }

  void set_position(simple_selector& one) {
    const an_plus_b position = read_an_plus_b(scan_);
    one.step = position.step;
    one.offset = position.offset;
  }

  void read_of(simple_selector& one) {
    if (!scan_.skip_blanks() || scan_.peek() == ')') return;
    const std::size_t start = scan_.position();
    if (!scan_.take_word("of")) scanner::fail_at(start, "expected \"of\" or \")\"");
    one.list = read_nested(false);
  }

  scanner scan_;
  std::vector<std::string> notes_;
  int depth_ = 0;
  bool relative_ = false;  // within `:has`, where selectors may begin with a combinator
};

}  // namespace

parsed_selector parse_selector(std::string_view text) {
  if (text.size() > longest_selector) {
    throw selector_error{longest_selector, "a selector of more than 16384 bytes"};
  }
  return parser(text).read();
}

}  // namespace catwalk::scrape::css
