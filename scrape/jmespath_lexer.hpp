#pragma once
// Tokens of a JMESPath expression. Internal to the jmespath*.cpp files.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scrape/jmespath.hpp"

namespace catwalk::scrape::jmespath_detail {

enum class token_kind : std::uint8_t {
  end,
  unquoted_identifier,
  quoted_identifier,
  literal,
  number,
  right_bracket,
  right_paren,
  comma,
  right_brace,
  current,
  ampersand,
  colon,
  pipe,
  logical_or,
  logical_and,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  flatten,
  star,
  filter,
  dot,
  logical_not,
  left_brace,
  left_bracket,
  left_paren,
};

struct token {
  token_kind kind = token_kind::end;
  std::size_t offset = 0;
  std::string text;  ///< of identifiers, decoded
  std::int64_t number = 0;
  nlohmann::json value;  ///< of literals and raw strings
};

/// The token as a message names it: "']'", "an identifier", "the end of the expression".
std::string_view describe(token_kind kind) noexcept;

/// Splits `expression`; the last token is `end`. The first error, or nullopt.
std::optional<jmespath_error> tokenize(std::string_view expression, std::vector<token>& into);

}  // namespace catwalk::scrape::jmespath_detail
