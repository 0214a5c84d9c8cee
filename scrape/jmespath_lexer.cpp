#include "scrape/jmespath_lexer.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "scrape/jmespath_value.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape::jmespath_detail {
namespace {

bool starts_identifier(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// `text` as JSON; discarded where it is none, nested too deep, or not UTF-8.
nlohmann::json parse_json(std::string_view text) {
  auto value = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (!value.is_discarded() && exceeds_depth(value, jmespath::max_depth))
    return nlohmann::json(nlohmann::json::value_t::discarded);
  return value;
}

class lexer {
 public:
  lexer(std::string_view text, std::vector<token>& into) : text_(text), into_(into) {}

  std::optional<jmespath_error> run() {
    while (!failure_ && at_ < text_.size()) step();
    add(token_kind::end, 0);
    return std::move(failure_);
  }

 private:
  void fail(std::size_t offset, std::string message) {
    if (!failure_) failure_ = jmespath_error{jmespath_error_kind::syntax, offset, std::move(message)};
  }

  token& add(token_kind kind, std::size_t length) {
    auto& t = into_.emplace_back();
    t.kind = kind;
    t.offset = at_;
    at_ += length;
    return t;
  }

  bool next_is(char c) const { return at_ + 1 < text_.size() && text_[at_ + 1] == c; }

  void step() {
    const char c = text_[at_];
    switch (c) {
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        ++at_;
        return;
      case '.':
        add(token_kind::dot, 1);
        return;
      case '*':
        add(token_kind::star, 1);
        return;
      case ']':
        add(token_kind::right_bracket, 1);
        return;
      case ',':
        add(token_kind::comma, 1);
        return;
      case ':':
        add(token_kind::colon, 1);
        return;
      case '@':
        add(token_kind::current, 1);
        return;
      case '(':
        add(token_kind::left_paren, 1);
        return;
      case ')':
        add(token_kind::right_paren, 1);
        return;
      case '{':
        add(token_kind::left_brace, 1);
        return;
      case '}':
        add(token_kind::right_brace, 1);
        return;
      case '[':
        if (next_is(']'))
          add(token_kind::flatten, 2);
        else if (next_is('?'))
          add(token_kind::filter, 2);
        else
          add(token_kind::left_bracket, 1);
        return;
      case '|':
        one_or_two('|', token_kind::pipe, token_kind::logical_or);
        return;
      case '&':
        one_or_two('&', token_kind::ampersand, token_kind::logical_and);
        return;
      case '!':
        one_or_two('=', token_kind::logical_not, token_kind::not_equal);
        return;
      case '<':
        one_or_two('=', token_kind::less, token_kind::less_equal);
        return;
      case '>':
        one_or_two('=', token_kind::greater, token_kind::greater_equal);
        return;
      case '=':
        if (next_is('='))
          add(token_kind::equal, 2);
        else
          fail(at_, "'=' is not an operator: use '=='");
        return;
      case '\'':
        raw_string();
        return;
      case '"':
        quoted_identifier();
        return;
      case '`':
        literal();
        return;
      default:
        break;
    }
    if (starts_identifier(c)) return unquoted_identifier();
    if (is_digit(c) || c == '-') return number();
    fail(at_, "unexpected character");
  }

  void one_or_two(char second, token_kind one, token_kind two) {
    if (next_is(second))
      add(two, 2);
    else
      add(one, 1);
  }

  void unquoted_identifier() {
    std::size_t end = at_;
    while (end < text_.size() && (starts_identifier(text_[end]) || is_digit(text_[end]))) ++end;
    const auto name = text_.substr(at_, end - at_);
    add(token_kind::unquoted_identifier, name.size()).text = name;
  }

  void number() {
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    const auto digits = text_.substr(at_, end - at_);
    if (digits == "-") return fail(at_, "'-' must be followed by a digit");
    std::int64_t value = 0;
    // A number beyond 64 bits is an index that no array has: the nearest one behaves the same.
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec ==
        std::errc::result_out_of_range)
      value = digits.front() == '-' ? std::numeric_limits<std::int64_t>::min()
                                    : std::numeric_limits<std::int64_t>::max();
    add(token_kind::number, digits.size()).number = value;
  }

  /// The text up to the closing `quote`, skipping over what a backslash protects; nullopt where it is
  /// missing.
  std::optional<std::string_view> quoted(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) {
      fail(at_, std::string("missing closing ") + quote);
      return std::nullopt;
    }
    return text_.substr(at_ + 1, end - at_ - 1);
  }

  /// `text` with `\quote` turned into `quote`; other backslashes stay.
  static std::string unescape(std::string_view text, char quote) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == quote) ++i;
      out += text[i];
    }
    return out;
  }

  void raw_string() {
    const auto text = quoted('\'');
    if (!text) return;
    if (!is_valid_utf8(*text)) return fail(at_, "the string is not valid UTF-8");
    add(token_kind::literal, text->size() + 2).value = unescape(*text, '\'');
  }

  void quoted_identifier() {
    const auto text = quoted('"');
    if (!text) return;
    auto name = parse_json(text_.substr(at_, text->size() + 2));
    if (!name.is_string()) return fail(at_, "the quoted name is not a valid JSON string");
    add(token_kind::quoted_identifier, text->size() + 2).text = name.get<std::string>();
  }

  void literal() {
    const auto text = quoted('`');
    if (!text) return;
    const auto json = unescape(*text, '`');
    auto value = parse_json(json);
    const auto start = std::min(json.find_first_not_of(" \t\n\r"), json.size());
    // `foo` for `"foo"`: the old form, which Python's jmespath still takes.
    if (value.is_discarded() &&
        (start == json.size() || std::string_view("[{\"").find(json[start]) == std::string::npos))
      value = parse_json('"' + json.substr(start) + '"');
    if (value.is_discarded()) return fail(at_, "the literal is not valid JSON");
    add(token_kind::literal, text->size() + 2).value = std::move(value);
  }

  std::string_view text_;
  std::vector<token>& into_;
  std::size_t at_ = 0;
  std::optional<jmespath_error> failure_;
};

}  // namespace

std::string_view describe(token_kind kind) noexcept {
  switch (kind) {
    case token_kind::end:
      return "the end of the expression";
    case token_kind::unquoted_identifier:
      return "a name";
    case token_kind::quoted_identifier:
      return "a quoted name";
    case token_kind::literal:
      return "a literal";
    case token_kind::number:
      return "a number";
    case token_kind::right_bracket:
      return "']'";
    case token_kind::right_paren:
      return "')'";
    case token_kind::comma:
      return "','";
    case token_kind::right_brace:
      return "'}'";
    case token_kind::current:
      return "'@'";
    case token_kind::ampersand:
      return "'&'";
    case token_kind::colon:
      return "':'";
    case token_kind::pipe:
      return "'|'";
    case token_kind::logical_or:
      return "'||'";
    case token_kind::logical_and:
      return "'&&'";
    case token_kind::equal:
      return "'=='";
    case token_kind::not_equal:
      return "'!='";
    case token_kind::less:
      return "'<'";
    case token_kind::less_equal:
      return "'<='";
    case token_kind::greater:
      return "'>'";
    case token_kind::greater_equal:
      return "'>='";
    case token_kind::flatten:
      return "'[]'";
    case token_kind::star:
      return "'*'";
    case token_kind::filter:
      return "'[?'";
    case token_kind::dot:
      return "'.'";
    case token_kind::logical_not:
      return "'!'";
    case token_kind::left_brace:
      return "'{'";
    case token_kind::left_bracket:
      return "'['";
    case token_kind::left_paren:
      return "'('";
  }
  return "?";
}

std::optional<jmespath_error> tokenize(std::string_view expression, std::vector<token>& into) {
  return lexer(expression, into).run();
}

}  // namespace catwalk::scrape::jmespath_detail
