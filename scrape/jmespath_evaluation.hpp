#pragma once
// Evaluates a syntax tree. Internal to the jmespath*.cpp files.
#include <optional>
#include <string>

#include "scrape/jmespath_function.hpp"
#include "scrape/jmespath_syntax.hpp"
#include "scrape/jmespath_value.hpp"

namespace catwalk::scrape::jmespath_detail {

/// One evaluation. After the first failure everything reads as null and loops end.
class evaluation {
 public:
  explicit evaluation(const program& p) : program_(p) {}

  value run(const nlohmann::json& document) {
    return evaluate(program_.nodes[program_.root], value(document));
  }
  value evaluate(const node& n, const value& current);

  arena& memory() noexcept { return arena_; }
  bool failed() const noexcept { return failure_.has_value(); }
  const std::optional<jmespath_error>& failure() const noexcept { return failure_; }
  /// True where the failure is a limit rather than the expression's fault.
  bool limit_reached() const noexcept { return limit_reached_; }

  /// Both return null, for `return fail(…)`.
  value fail(std::string message);
  value fail_limit();

  /// As `arena::copy` and `arena::equal`, failing the evaluation where they cannot.
  nlohmann::json copy(const value& v);
  bool equal(const value& a, const value& b);

 private:
  const node& child(const node& n, std::size_t index) const { return program_.nodes[n.children[index]]; }
  value slice(const node& n, const value& current);
  value project(const node& n, const value& current);
  value project_object(const node& n, const value& current);
  value flatten(const node& n, const value& current);
  value multi_select_hash(const node& n, const value& current);
  value compare(const node& n, const value& current);
  value call(const node& n, const value& current);

  const program& program_;
  arena arena_;
  std::size_t offset_ = 0;  ///< of the function that is being called
  std::optional<jmespath_error> failure_;
  bool limit_reached_ = false;
};

}  // namespace catwalk::scrape::jmespath_detail
