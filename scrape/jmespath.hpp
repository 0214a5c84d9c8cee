#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "scrape/json_reach.hpp"

namespace catwalk::scrape {

namespace jmespath_detail {
struct program;
}

/// The kinds of error that the JMESPath specification names.
enum class jmespath_error_kind { syntax, invalid_type, invalid_arity, unknown_function, invalid_value };

/// The specification's spelling, for example "invalid-type".
std::string_view name_of(jmespath_error_kind kind) noexcept;

/// What is wrong with an expression, or with applying it, and where.
struct jmespath_error {
  jmespath_error_kind kind = jmespath_error_kind::syntax;
  std::size_t offset =
      0;                ///< bytes from the expression's start; its size where the expression ends too early
  std::string message;  ///< without the kind and the place: "expected ']', found ','"

  /// The line of `expression` with the error and, on a second line, a caret under the offset (counted in
  /// characters).
  std::string caret(std::string_view expression) const;
};

/// A compiled JMESPath expression (jmespath.org, as Python's jmespath reads it): every function, projections,
/// filters, slices, raw strings, and JSON literals (also the old form with the quotes left out). Immutable,
/// cheap to copy, and safe to use from several threads at once.
///
/// Unknown functions, wrong numbers of arguments, `&expression` in the wrong place and a slice step of 0 are
/// found by `compile`. Objects are unordered, as the specification has it: `keys`, `values` and `*` follow
/// nlohmann::json's order, which is by key. Strings can be ordered with `<`, as in Python's.
class jmespath {
 public:
  /// Nesting of expressions, and of documents that are copied, compared or printed.
  static constexpr int max_depth = 500;
  /// Values that one search may create or compare; beyond it the search fails instead of eating the memory.
  static constexpr std::size_t max_work = 10'000'000;

  /// Parses. `invalid_expression` otherwise, with the column in the message; `detail`, where given, receives
  /// the kind and the byte offset.
  static result<jmespath> compile(std::string_view expression, jmespath_error* detail = nullptr);

  /// Evaluates over `document`. Subtrees are copied into the result once, at the end. `invalid_expression`
  /// where a function gets a value of the wrong type; `too_large` beyond `max_depth` or `max_work`.
  result<nlohmann::json> search(const nlohmann::json& document, jmespath_error* detail = nullptr) const;

  /// As `search`, but hands the result over by reference: a result that is a part of the document is not
  /// copied.
  result<void> visit(const nlohmann::json& document, const std::function<void(const nlohmann::json&)>& take,
                     jmespath_error* detail = nullptr) const;

  /// Hands over the elements of the result one by one, without copying those that are parts of the document.
  /// A result that is no array is handed over as one element, null not at all. Returns how many there were.
  result<std::size_t> visit_items(const nlohmann::json& document,
                                  const std::function<void(const nlohmann::json&)>& take,
                                  jmespath_error* detail = nullptr) const;

  /// Where the result may stand when the document stands at `from`. What the expression looks at on its way
  /// is noted there; the result itself is not, which is for the caller to do.
  json_places reach(const json_places& from) const;

  /// The expression as it was written.
  const std::string& text() const noexcept;

 private:
  explicit jmespath(std::shared_ptr<const jmespath_detail::program> program);

  std::shared_ptr<const jmespath_detail::program> program_;
};

}  // namespace catwalk::scrape
