#include "scrape/jmespath.hpp"

#include <algorithm>

#include "scrape/jmespath_evaluation.hpp"
#include "scrape/jmespath_syntax.hpp"

namespace catwalk::scrape {
namespace {

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

/// Characters of `text` before the byte `offset`.
std::ptrdiff_t characters_before(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  return std::count_if(before.begin(), before.end(), starts_character);
}

error to_error(const jmespath_error& e, errc code, const char* what, const std::string& expression) {
  std::size_t shown = std::min<std::size_t>(300, expression.size());
  while (shown > 0 && shown < expression.size() && !starts_character(expression[shown])) --shown;
  error out;
  out.code = code;
  out.what = what;
  out.on = expression.substr(0, shown) + (shown < expression.size() ? "…" : "");
  out.why = std::string(name_of(e.kind)) + ": " + e.message + " at column " +
            std::to_string(characters_before(expression, e.offset) + 1);
  return out;
}

error evaluation_error(const jmespath_detail::evaluation& run, const std::string& expression,
                       jmespath_error* detail) {
  if (detail) *detail = *run.failure();
  return to_error(*run.failure(), run.limit_reached() ? errc::too_large : errc::invalid_expression,
                  "cannot evaluate JMESPath expression", expression);
}

}  // namespace

std::string_view name_of(jmespath_error_kind kind) noexcept {
  switch (kind) {
    case jmespath_error_kind::syntax:
      return "syntax";
    case jmespath_error_kind::invalid_type:
      return "invalid-type";
    case jmespath_error_kind::invalid_arity:
      return "invalid-arity";
    case jmespath_error_kind::unknown_function:
      return "unknown-function";
    case jmespath_error_kind::invalid_value:
      return "invalid-value";
  }
  return "syntax";
}

std::string jmespath_error::caret(std::string_view expression) const {
  const auto at = std::min(offset, expression.size());
  const auto before = at == 0 ? std::string_view::npos : expression.rfind('\n', at - 1);
  const auto start = before == std::string_view::npos ? 0 : before + 1;
  const auto line = expression.substr(start, expression.find('\n', at) - start);
  return std::string(line) + '\n' +
         std::string(static_cast<std::size_t>(characters_before(line, at - start)), ' ') + '^';
}

jmespath::jmespath(std::shared_ptr<const jmespath_detail::program> program) : program_(std::move(program)) {}

result<jmespath> jmespath::compile(std::string_view expression, jmespath_error* detail) {
  auto program = std::make_shared<jmespath_detail::program>();
  if (auto failure = jmespath_detail::parse(expression, *program)) {
    if (detail) *detail = *failure;
    return to_error(*failure, errc::invalid_expression, "cannot compile JMESPath expression",
                    std::string(expression));
  }
  return jmespath(std::move(program));
}

result<nlohmann::json> jmespath::search(const nlohmann::json& document, jmespath_error* detail) const {
  jmespath_detail::evaluation run(*program_);
  const auto found = run.run(document);
  auto copied = run.failed() ? nlohmann::json() : run.copy(found);
  if (run.failed()) return evaluation_error(run, text(), detail);
  // nlohmann::json converts to anything, so that a bare `return copied` is ambiguous.
  return {boost::system::in_place_value, std::move(copied)};
}

result<void> jmespath::visit(const nlohmann::json& document,
                             const std::function<void(const nlohmann::json&)>& take,
                             jmespath_error* detail) const {
  jmespath_detail::evaluation run(*program_);
  const auto found = run.run(document);
  const auto copied = run.failed() || found.json() ? nlohmann::json() : run.copy(found);
  if (run.failed()) return evaluation_error(run, text(), detail);
  take(found.json() ? *found.json() : copied);
  return {};
}

result<std::size_t> jmespath::visit_items(const nlohmann::json& document,
                                          const std::function<void(const nlohmann::json&)>& take,
                                          jmespath_error* detail) const {
  jmespath_detail::evaluation run(*program_);
  const auto found = run.run(document);
  const bool many = !run.failed() && found.is_array();
  const std::size_t count = run.failed() || found.is_null() ? 0 : many ? found.size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    const auto item = many ? found[i] : found;
    if (const auto* part = item.json()) {
      take(*part);
      continue;
    }
    const auto copied = run.copy(item);
    if (run.failed()) break;
    take(copied);
  }
  if (run.failed()) return evaluation_error(run, text(), detail);
  return count;
}

const std::string& jmespath::text() const noexcept {
  return program_->expression;
}

}  // namespace catwalk::scrape
