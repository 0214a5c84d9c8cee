#include "scrape/selector.hpp"

#include <algorithm>
#include <utility>

#include "scrape/selector_matcher.hpp"
#include "scrape/selector_parser.hpp"

namespace catwalk::scrape {
namespace {

error gave_up() {
  return error{errc::too_large, "cannot search the page", "",
               "the selector takes more than 50 million steps on it", "write a simpler selector"};
}

}  // namespace

std::string selector_error::caret(std::string_view selector) const {
  std::string marked(selector);
  std::replace_if(
      marked.begin(), marked.end(), [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
  std::string under;
  for (std::size_t i = 0; i < std::min(offset, selector.size()); ++i) {
    if ((static_cast<unsigned char>(selector[i]) & 0xC0) != 0x80) under += ' ';  // one column a character
  }
  return marked + '\n' + under + '^';
}

result<selector> selector::compile(std::string_view text, selector_error* detail) {
  try {
    css::parsed_selector parsed = css::parse_selector(text);
    selector made;
    made.list_ = std::make_shared<const css::selector_list>(std::move(parsed.list));
    made.notes_ = std::move(parsed.notes);
    return made;
  } catch (const selector_error& refused) {
    if (detail) *detail = refused;
    return error{errc::invalid_expression, "cannot read the CSS selector", std::string(text),
                 refused.message + ", at character " + std::to_string(refused.offset + 1), ""};
  }
}

result<std::vector<html_node>> selector::select(const html_node& root, std::size_t limit) const {
  std::vector<html_node> found;
  if (limit == 0) return found;
  const auto visited = visit(root, [&](const html_node& node) {
    found.push_back(node);
    return found.size() < limit;
  });
  if (!visited) return visited.error();
  return found;
}

result<void> selector::visit(const html_node& root, const std::function<bool(const html_node&)>& take) const {
  css::matcher matcher(root);
  // `+ a` and `~ a` at the beginning mean siblings of the root.
  const bool beside = std::any_of(list_->begin(), list_->end(), [](const css::complex_selector& one) {
    const auto start = one.compounds.front().to_previous;
    return start == css::combinator::next_sibling || start == css::combinator::subsequent_sibling;
  });
  const std::uint32_t end = beside && root.parent() ? root.parent().end_index() : root.end_index();
  for (std::uint32_t at = root.index() + 1; at < end; ++at) {
    const html_node node = root.document().node(at);
    const bool fits = node.is_element() && matcher.matches(node, *list_);
    if (fits && !take(node)) break;
    if (matcher.exhausted()) return gave_up();
  }
  return {};
}

result<html_node> selector::first(const html_node& root) const {
  auto found = select(root, 1);
  if (found.has_error()) return found.error();
  return found->empty() ? html_node() : found->front();
}

result<bool> selector::matches(const html_node& element, const html_node& scope) const {
  css::matcher matcher(scope);
  const bool fits = element.is_element() && matcher.matches(element, *list_);
  if (matcher.exhausted()) return gave_up();
  return fits;
}

std::optional<std::string> selector::value_of(const html_node& element, const html_node& scope) const {
  css::matcher matcher(scope);
  bool text = false;
  for (const css::complex_selector& one : *list_) {
    if (!matcher.matches(element, one)) continue;
    if (one.attribute.empty()) {
      text = true;
    } else if (const auto value = element.attribute(one.attribute)) {
      return std::string(*value);
    }
  }
  return text ? std::optional(element.visible_text()) : std::nullopt;
}

bool selector::has_suffix() const noexcept {
  return std::any_of(list_->begin(), list_->end(),
                     [](const css::complex_selector& one) { return !one.attribute.empty(); });
}

}  // namespace catwalk::scrape
