// A Pratt parser with the binding powers of Python's jmespath.
#include <array>
#include <utility>

#include "scrape/jmespath_function.hpp"
#include "scrape/jmespath_lexer.hpp"
#include "scrape/jmespath_syntax.hpp"

namespace catwalk::scrape::jmespath_detail {
namespace {

/// How strongly a token binds to what stands left of it.
int binding_power(token_kind kind) {
  switch (kind) {
    case token_kind::pipe:
      return 1;
    case token_kind::logical_or:
      return 2;
    case token_kind::logical_and:
      return 3;
    case token_kind::equal:
    case token_kind::not_equal:
    case token_kind::less:
    case token_kind::less_equal:
    case token_kind::greater:
    case token_kind::greater_equal:
      return 5;
    case token_kind::flatten:
      return 9;
    case token_kind::star:
      return 20;
    case token_kind::filter:
      return 21;
    case token_kind::dot:
      return 40;
    case token_kind::logical_not:
      return 45;
    case token_kind::left_brace:
      return 50;
    case token_kind::left_bracket:
      return 55;
    case token_kind::left_paren:
      return 60;
    default:
      return 0;
  }
}

/// A token that binds less ends a projection.
constexpr int projection_stop = 10;

std::optional<comparator> comparator_of(token_kind kind) {
  switch (kind) {
    case token_kind::equal:
      return comparator::equal;
    case token_kind::not_equal:
      return comparator::not_equal;
    case token_kind::less:
      return comparator::less;
    case token_kind::less_equal:
      return comparator::less_equal;
    case token_kind::greater:
      return comparator::greater;
    case token_kind::greater_equal:
      return comparator::greater_equal;
    default:
      return std::nullopt;
  }
}

/// After the first error every token reads as `end`, so that each rule returns by itself.
class parser {
 public:
  parser(std::vector<token> tokens, program& into) : tokens_(std::move(tokens)), program_(into) {}

  std::optional<jmespath_error> run() {
    program_.root = expression(0);
    if (kind() != token_kind::end) unexpected();
    return std::move(failure_);
  }

 private:
  token_kind kind(std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() ? tokens_[at_ + ahead].kind : token_kind::end;
  }
  std::size_t offset() const { return tokens_[at_].offset; }

  token take() {
    token t = std::move(tokens_[at_]);
    tokens_[at_].kind = t.kind;
    tokens_[at_].offset = t.offset;
    if (at_ + 1 < tokens_.size()) ++at_;
    return t;
  }

  bool accept(token_kind wanted) {
    if (kind() != wanted) return false;
    take();
    return true;
  }

  void expect(token_kind wanted) {
    if (!accept(wanted))
      fail(jmespath_error_kind::syntax, offset(),
           "expected " + std::string(describe(wanted)) + ", found " + std::string(describe(kind())));
  }

  node_index fail(jmespath_error_kind what, std::size_t where, std::string message) {
    if (!failure_) failure_ = jmespath_error{what, where, std::move(message)};
    at_ = tokens_.size() - 1;
    return 0;
  }

  node_index unexpected() {
    std::string_view found = describe(kind());
    for (const std::string_view article : {"a ", "the "})
      if (found.starts_with(article)) found.remove_prefix(article.size());
    return fail(jmespath_error_kind::syntax, offset(), "unexpected " + std::string(found));
  }

  node_index add(node_kind what, std::size_t where, std::vector<node_index> children = {}) {
    int height = 1;
    if (!failure_)
      for (const auto child : children) height = std::max(height, program_.nodes[child].height + 1);
    if (height > jmespath::max_depth)
      return fail(jmespath_error_kind::syntax, where, "the expression is nested too deeply");
    auto& n = program_.nodes.emplace_back();
    n.kind = what;
    n.offset = static_cast<std::uint32_t>(where);
    n.height = height;
    n.children = std::move(children);
    return static_cast<node_index>(program_.nodes.size() - 1);
  }
  node& at(node_index index) { return program_.nodes[index]; }

  node_index identity() { return add(node_kind::identity, offset()); }

  node_index expression(int power) {
    if (depth_ >= jmespath::max_depth)
      return fail(jmespath_error_kind::syntax, offset(), "the expression is nested too deeply");
    ++depth_;
    node_index left = prefix();
    while (!failure_ && power < binding_power(kind())) left = infix(left);
    --depth_;
    return left;
  }

  /// What an expression can start with.
  node_index prefix() {
    const auto where = offset();
    switch (kind()) {
      case token_kind::literal: {
        const auto n = add(node_kind::literal, where);
        auto t = take();
        if (!failure_) at(n).value = std::move(t.value);
        return n;
      }
      case token_kind::unquoted_identifier: {
        auto name = take().text;
        if (kind() == token_kind::left_paren) return call(where, name);
        return field(where, std::move(name));
      }
      case token_kind::quoted_identifier: {
        auto name = take().text;
        if (kind() == token_kind::left_paren)
          return fail(jmespath_error_kind::syntax, where, "a function's name cannot be quoted");
        return field(where, std::move(name));
      }
      case token_kind::star: {
        take();
        const auto left = identity();
        const auto right =
            kind() == token_kind::right_bracket ? identity() : projected(binding_power(token_kind::star));
        return add(node_kind::object_projection, where, {left, right});
      }
      case token_kind::filter:
        take();
        return filter(where, identity());
      case token_kind::left_brace:
        take();
        return multi_select_hash(where);
      case token_kind::left_paren: {
        take();
        const auto inner = expression(0);
        expect(token_kind::right_paren);
        return inner;
      }
      case token_kind::flatten:
        take();
        return flatten(where, identity());
      case token_kind::logical_not: {
        take();
        const auto operand = expression(binding_power(token_kind::logical_not));
        return add(node_kind::negation, where, {operand});
      }
      case token_kind::left_bracket:
        take();
        if (kind() == token_kind::number || kind() == token_kind::colon) return index(where, identity());
        if (kind() == token_kind::star && kind(1) == token_kind::right_bracket)
          return wildcard(where, identity());
        return multi_select_list(where);
      case token_kind::current:
        take();
        return add(node_kind::identity, where);
      case token_kind::ampersand:
        return fail(jmespath_error_kind::syntax, where, "'&' is only allowed before a function's argument");
      default:
        return unexpected();
    }
  }

  /// What can follow `left`.
  node_index infix(node_index left) {
    const auto where = offset();
    const auto operation = kind();
    if (const auto compare = comparator_of(operation)) {
      take();
      const auto right = expression(binding_power(operation));
      const auto n = add(node_kind::comparison, where, {left, right});
      if (!failure_) at(n).compare = *compare;
      return n;
    }
    switch (operation) {
      case token_kind::dot: {
        take();
        if (accept(token_kind::star)) {
          const auto right = projected(binding_power(token_kind::dot));
          return add(node_kind::object_projection, where, {left, right});
        }
        const auto right = after_dot(binding_power(token_kind::dot));
        return add(node_kind::chain, where, {left, right});
      }
      case token_kind::pipe:
        return binary(node_kind::chain, left);
      case token_kind::logical_or:
        return binary(node_kind::either, left);
      case token_kind::logical_and:
        return binary(node_kind::both, left);
      case token_kind::filter:
        take();
        return filter(where, left);
      case token_kind::flatten:
        take();
        return flatten(where, left);
      case token_kind::left_bracket:
        take();
        if (kind() == token_kind::number || kind() == token_kind::colon) return index(where, left);
        if (kind() == token_kind::star) return wildcard(where, left);
        return fail(jmespath_error_kind::syntax, offset(),
                    "expected a number, ':' or '*', found " + std::string(describe(kind())));
      default:
        return unexpected();
    }
  }

  node_index binary(node_kind what, node_index left) {
    const auto where = offset();
    const auto operation = take().kind;
    const auto right = expression(binding_power(operation));
    return add(what, where, {left, right});
  }

  node_index field(std::size_t where, std::string name) {
    const auto n = add(node_kind::field, where);
    if (!failure_) at(n).name = std::move(name);
    return n;
  }

  node_index wildcard(std::size_t where, node_index left) {
    expect(token_kind::star);
    expect(token_kind::right_bracket);
    const auto right = projected(binding_power(token_kind::star));
    return add(node_kind::projection, where, {left, right});
  }

  node_index flatten(std::size_t where, node_index left) {
    const auto flat = add(node_kind::flatten, where, {left});
    const auto right = projected(binding_power(token_kind::flatten));
    return add(node_kind::projection, where, {flat, right});
  }

  node_index filter(std::size_t where, node_index left) {
    const auto condition = expression(0);
    expect(token_kind::right_bracket);
    const auto right =
        kind() == token_kind::flatten ? identity() : projected(binding_power(token_kind::filter));
    return add(node_kind::filter_projection, where, {left, right, condition});
  }

  /// `[3]`, `[1:2]`: the opening bracket is taken.
  node_index index(std::size_t where, node_index left) {
    if (kind() == token_kind::colon || kind(1) == token_kind::colon) {
      const auto part = slice(where);
      const auto sliced = add(node_kind::chain, where, {left, part});
      const auto right = projected(binding_power(token_kind::star));
      return add(node_kind::projection, where, {sliced, right});
    }
    const auto number = take().number;
    expect(token_kind::right_bracket);
    const auto n = add(node_kind::index, where);
    if (!failure_) at(n).number = number;
    return add(node_kind::chain, where, {left, n});
  }

  node_index slice(std::size_t where) {
    slice_bounds bounds;
    std::array parts{&bounds.start, &bounds.stop, &bounds.step};
    std::size_t part = 0;
    while (kind() != token_kind::right_bracket && !failure_) {
      if (kind() == token_kind::colon) {
        if (++part == parts.size()) return unexpected();
        take();
      } else if (kind() == token_kind::number && !*parts[part]) {
        *parts[part] = take().number;
      } else {
        return unexpected();
      }
    }
    expect(token_kind::right_bracket);
    if (bounds.step == 0)
      return fail(jmespath_error_kind::invalid_value, where, "a slice's step cannot be 0");
    const auto n = add(node_kind::slice, where);
    if (!failure_) at(n).bounds = bounds;
    return n;
  }

  /// What is applied to each element of a projection.
  node_index projected(int power) {
    if (binding_power(kind()) < projection_stop) return identity();
    if (kind() == token_kind::left_bracket || kind() == token_kind::filter) return expression(power);
    if (accept(token_kind::dot)) return after_dot(power);
    return unexpected();
  }

  node_index after_dot(int power) {
    const auto where = offset();
    switch (kind()) {
      case token_kind::unquoted_identifier:
      case token_kind::quoted_identifier:
      case token_kind::star:
        return expression(power);
      case token_kind::left_bracket:
        take();
        return multi_select_list(where);
      case token_kind::left_brace:
        take();
        return multi_select_hash(where);
      default:
        return unexpected();
    }
  }

  node_index multi_select_list(std::size_t where) {
    std::vector<node_index> children;
    do children.push_back(expression(0));
    while (accept(token_kind::comma));
    expect(token_kind::right_bracket);
    return add(node_kind::multi_select_list, where, std::move(children));
  }

  node_index multi_select_hash(std::size_t where) {
    std::vector<node_index> children;
    std::vector<std::string> keys;
    do {
      if (kind() != token_kind::unquoted_identifier && kind() != token_kind::quoted_identifier)
        return fail(jmespath_error_kind::syntax, offset(),
                    "expected a key, found " + std::string(describe(kind())));
      keys.push_back(take().text);
      expect(token_kind::colon);
      children.push_back(expression(0));
    } while (accept(token_kind::comma));
    expect(token_kind::right_brace);
    const auto n = add(node_kind::multi_select_hash, where, std::move(children));
    if (!failure_) at(n).keys = std::move(keys);
    return n;
  }

  node_index call(std::size_t where, const std::string& name) {
    expect(token_kind::left_paren);
    std::vector<node_index> arguments;
    if (kind() != token_kind::right_paren) {
      do {
        const auto argument_offset = offset();
        if (accept(token_kind::ampersand)) {
          const auto body = expression(0);
          arguments.push_back(add(node_kind::reference, argument_offset, {body}));
        } else {
          arguments.push_back(expression(0));
        }
      } while (accept(token_kind::comma));
    }
    expect(token_kind::right_paren);
    if (failure_) return 0;
    const auto* function = find_function(name);
    if (!function)
      return fail(jmespath_error_kind::unknown_function, where, "there is no function \"" + name + "\"");
    if (auto problem = check_call(*function, arguments)) return fail(problem->kind, where, problem->message);
    const auto n = add(node_kind::call, where, std::move(arguments));
    if (!failure_) at(n).function = function;
    return n;
  }

  std::optional<jmespath_error> check_call(const function_spec& function,
                                           const std::vector<node_index>& arguments) {
    const auto name = std::string(function.name);
    if (arguments.size() < function.parameters.size() ||
        (!function.variadic && arguments.size() > function.parameters.size()))
      return jmespath_error{jmespath_error_kind::invalid_arity, 0,
                            name + "() takes " + std::to_string(function.parameters.size()) +
                                (function.variadic ? " or more" : "") +
                                (function.parameters.size() == 1 && !function.variadic ? " argument, not "
                                                                                       : " arguments, not ") +
                                std::to_string(arguments.size())};
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const bool given = at(arguments[i]).kind == node_kind::reference;
      const bool wanted = (function.parameter(i) & accepts::reference) != 0;
      if (given != wanted)
        return jmespath_error{jmespath_error_kind::invalid_type, 0,
                              name + "(): argument " + std::to_string(i + 1) +
                                  (wanted ? " must be an expression reference, as &name"
                                          : " cannot be an expression reference")};
    }
    return std::nullopt;
  }

  std::vector<token> tokens_;
  program& program_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::optional<jmespath_error> failure_;
};

}  // namespace

std::optional<jmespath_error> parse(std::string_view expression, program& into) {
  into.expression = expression;
  std::vector<token> tokens;
  if (auto failure = tokenize(expression, tokens)) return failure;
  return parser(std::move(tokens), into).run();
}

}  // namespace catwalk::scrape::jmespath_detail
