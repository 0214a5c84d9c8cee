#include "scrape/selector_condition.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "scrape/text.hpp"

namespace catwalk::scrape::css {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

bool equal_without_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_html(const html_node& element, std::string_view name) {
  return element.name_space() == html_namespace::html && element.name() == name;
}

template <std::size_t N>
bool is_any_of(const html_node& element, const std::array<std::string_view, N>& names) {
  return element.name_space() == html_namespace::html &&
         std::find(names.begin(), names.end(), element.name()) != names.end();
}

/// Calls `found` with each word between blanks until it returns true.
template <class Found>
bool any_word(std::string_view text, Found found) {
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && is_blank(text[at])) ++at;
    std::size_t end = at;
    while (end < text.size() && !is_blank(text[end])) ++end;
    if (end > at && found(text.substr(at, end - at))) return true;
    at = end;
  }
  return false;
}

/// Attributes whose values compare without case in HTML (HTML standard, 4.16.2).
bool has_caseless_values(std::string_view name) {
  static constexpr std::array<std::string_view, 46> names{
      "accept",     "accept-charset", "align",     "alink",    "axis",     "bgcolor", "charset",
      "checked",    "clear",          "codetype",  "color",    "compact",  "declare", "defer",
      "dir",        "direction",      "disabled",  "enctype",  "face",     "frame",   "hreflang",
      "http-equiv", "lang",           "language",  "link",     "media",    "method",  "multiple",
      "nohref",     "noresize",       "noshade",   "nowrap",   "readonly", "rel",     "rev",
      "rules",      "scope",          "scrolling", "selected", "shape",    "target",  "text",
      "type",       "valign",         "valuetype", "vlink"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool compare(std::string_view value, const simple_selector& part, bool caseless) {
  const std::string_view wanted = part.text;
  const auto same = [&](std::string_view a, std::string_view b) {
    return caseless ? equal_without_case(a, b) : a == b;
  };
  switch (part.operation) {
    case attribute_operator::exists:
      return true;
    case attribute_operator::equals:
    case attribute_operator::differs:
      return same(value, wanted);
    case attribute_operator::includes:
      return !wanted.empty() && any_word(value, [&](std::string_view word) { return same(word, wanted); });
    case attribute_operator::dash:
      return same(value.substr(0, wanted.size()), wanted) &&
             (value.size() == wanted.size() || value[wanted.size()] == '-');
    case attribute_operator::begins:
      return !wanted.empty() && same(value.substr(0, wanted.size()), wanted);
    case attribute_operator::ends:
      return !wanted.empty() && value.size() >= wanted.size() &&
             same(value.substr(value.size() - wanted.size()), wanted);
    case attribute_operator::holds:
      if (wanted.empty()) return false;
      if (!caseless) return value.find(wanted) != std::string_view::npos;
      return lower_ascii(value).find(lower_ascii(wanted)) != std::string::npos;
  }
  return false;
}

/// The language of an element: the nearest `lang`, else what the page's `meta` says; nullopt where unknown.
std::optional<std::string_view> language_of(const html_node& element) {
  for (html_node at = element; at.is_element(); at = at.parent()) {
    for (const html_attribute& one : at.attributes()) {
      if (one.name == "lang" && (one.name_space.empty() || one.name_space == "xml")) return one.value;
    }
  }
  const html_document& document = element.document();
  for (std::uint32_t at = 0; at < document.size(); ++at) {
    const html_node node = document.node(at);
    if (!node.is_element()) continue;
    if (node.name() == "body") break;
    if (node.name() != "meta") continue;
    const auto what = node.attribute("http-equiv");
    if (what && equal_without_case(*what, "content-language")) return node.attribute("content");
  }
  return std::nullopt;
}

std::string_view first_subtag(std::string_view tag) {
  return tag.substr(0, tag.find('-'));
}
std::string_view after_subtag(std::string_view tag) {
  const std::size_t hyphen = tag.find('-');
  return hyphen == std::string_view::npos ? std::string_view() : tag.substr(hyphen + 1);
}

bool matches_range(std::string_view range, std::string_view tag) {
  if (range.empty()) return tag.empty();
  if (tag.empty()) return false;
  if (first_subtag(range) != "*" && !equal_without_case(first_subtag(range), first_subtag(tag))) return false;
  range = after_subtag(range);
  tag = after_subtag(tag);
  while (!range.empty()) {
    const std::string_view wanted = first_subtag(range);
    const bool same = equal_without_case(wanted, first_subtag(tag));
    if (wanted == "*") {
      range = after_subtag(range);
    } else if (same && !tag.empty()) {
      range = after_subtag(range);
      tag = after_subtag(tag);
    } else if (tag.empty() || first_subtag(tag).size() == 1) {  // a single letter begins an extension
      return false;
    } else {
      tag = after_subtag(tag);
    }
  }
  return true;
}

std::string type_of(const html_node& element) {
  return lower_ascii(element.attribute("type").value_or(""));
}

bool can_be_disabled(const html_node& element) {
  static constexpr std::array<std::string_view, 7> names{"button", "fieldset", "input",   "optgroup",
                                                         "option", "select",   "textarea"};
  return is_any_of(element, names);
}

/// Whether the element lies in the first legend of the fieldset, which stays usable.
bool in_first_legend(const html_node& element, const html_node& fieldset) {
  html_node legend;
  for (html_node child = fieldset.first_child(); child; child = child.next_sibling()) {
    if (child.is_element() && is_html(child, "legend")) {
      legend = child;
      break;
    }
  }
  return legend && element.index() >= legend.index() && element.index() < legend.end_index();
}

bool is_disabled(const html_node& element) {
  if (!can_be_disabled(element)) return false;
  if (element.attribute("disabled")) return true;
  if (is_html(element, "option")) {
    const html_node group = parent_element(element);
    return group && is_html(group, "optgroup") && group.attribute("disabled");
  }
  if (is_html(element, "optgroup")) return false;
  for (html_node at = parent_element(element); at; at = parent_element(at)) {
    if (is_html(at, "fieldset") && at.attribute("disabled") && !in_first_legend(element, at)) return true;
  }
  return false;
}

bool is_input(const html_node& element) {
  static constexpr std::array<std::string_view, 3> names{"input", "select", "textarea"};
  return is_any_of(element, names);
}

/// Kinds of `input` into which one writes.
bool takes_text(const html_node& element) {
  static constexpr std::array<std::string_view, 14> types{
      "",     "text", "search",         "url",    "tel",     "email", "password", "date", "month",
      "week", "time", "datetime-local", "number", "datetime"};
  if (is_html(element, "textarea")) return true;
  return is_html(element, "input") && std::find(types.begin(), types.end(), type_of(element)) != types.end();
}

bool is_editable(const html_node& element) {
  for (html_node at = element; at; at = parent_element(at)) {
    if (const auto value = at.attribute("contenteditable")) {
      return value->empty() || equal_without_case(*value, "true");
    }
  }
  return false;
}

bool is_read_write(const html_node& element) {
  if (takes_text(element)) return !element.attribute("readonly") && !is_disabled(element);
  return is_editable(element);
}

bool shows_placeholder(const html_node& element) {
  if (!takes_text(element) || !element.attribute("placeholder")) return false;
  if (element.attribute("placeholder")->empty()) return false;
  if (is_html(element, "textarea")) return element.text().find_first_not_of("\r\n") == std::string::npos;
  return element.attribute("value").value_or("").empty();
}

}  // namespace

html_node parent_element(const html_node& node) {
  const html_node parent = node.parent();
  return parent.is_element() ? parent : html_node();
}

html_node next_element(html_node node) {
  do {
    node = node.next_sibling();
  } while (node && !node.is_element());
  return node;
}

html_node previous_element(html_node node) {
  do {
    node = node.previous_sibling();
  } while (node && !node.is_element());
  return node;
}

bool has_type(const html_node& element, const simple_selector& part) {
  if (part.space == name_space_test::none) return false;  // every element of an HTML page has a namespace
  if (part.kind == simple_kind::any) return true;
  if (element.name_space() == html_namespace::html) return element.name() == part.lower_name;
  return equal_without_case(element.name(), part.name);
}

bool has_id(const html_node& element, std::string_view id) {
  return element.attribute("id") == id;
}

bool has_class(const html_node& element, std::string_view name) {
  const auto classes = element.attribute("class");
  return classes && classes->size() >= name.size() &&
         any_word(*classes, [&](std::string_view word) { return word == name; });
}

bool has_attribute(const html_node& element, const simple_selector& part) {
  const bool html = element.name_space() == html_namespace::html;
  for (const html_attribute& one : element.attributes()) {
    if (html ? one.name != part.lower_name : !equal_without_case(one.name, part.name)) continue;
    if (part.space == name_space_test::none && !one.name_space.empty()) continue;
    const bool caseless =
        part.sensitivity == letter_case::insensitive ||
        (part.sensitivity == letter_case::as_html_says && html && has_caseless_values(part.lower_name));
    const bool fits = compare(one.value, part, caseless);
    if (part.operation == attribute_operator::differs) return !fits;
    if (fits) return true;
  }
  return part.operation == attribute_operator::differs;
}

bool is_empty(const html_node& element) {
  for (html_node child = element.first_child(); child; child = child.next_sibling()) {
    if (child.is_element()) return false;
    if (child.kind() == html_node_kind::text &&
        !std::all_of(child.data().begin(), child.data().end(), is_blank)) {
      return false;
    }
  }
  return true;
}

bool contains_text(const html_node& element, const simple_selector& part, bool own) {
  std::string text;
  if (own) {
    for (html_node child = element.first_child(); child; child = child.next_sibling()) {
      if (child.kind() == html_node_kind::text) text += child.data();
    }
  } else {
    text = element.text();
  }
  return std::any_of(part.texts.begin(), part.texts.end(),
                     [&](const std::string& one) { return text.find(one) != std::string::npos; });
}

bool has_language(const html_node& element, const simple_selector& part) {
  const auto language = language_of(element);
  return language && std::any_of(part.texts.begin(), part.texts.end(),
                                 [&](const std::string& range) { return matches_range(range, *language); });
}

bool is_form_state(const html_node& element, simple_kind kind) {
  switch (kind) {
    case simple_kind::link: {
      static constexpr std::array<std::string_view, 3> names{"a", "area", "link"};
      return is_any_of(element, names) && element.attribute("href");
    }
    case simple_kind::checked: {
      if (is_html(element, "option")) return element.attribute("selected").has_value();
      const std::string type = type_of(element);
      return is_html(element, "input") && (type == "checkbox" || type == "radio") &&
             element.attribute("checked");
    }
    case simple_kind::disabled:
      return is_disabled(element);
    case simple_kind::enabled:
      return can_be_disabled(element) && !is_disabled(element);
    case simple_kind::required:
      return is_input(element) && element.attribute("required");
    case simple_kind::optional:
      return is_input(element) && !element.attribute("required");
    case simple_kind::read_write:
      return is_read_write(element);
    case simple_kind::read_only:
      return !is_read_write(element);
    case simple_kind::placeholder_shown:
      return shows_placeholder(element);
    case simple_kind::defined:
      return element.name_space() != html_namespace::html ||
             element.name().find('-') == std::string_view::npos;
    default:
      return false;
  }
}

}  // namespace catwalk::scrape::css
