#pragma once
#include "scrape/html_document.hpp"
#include "scrape/selector_syntax.hpp"

// Tests of one element that need nothing but the element and what is around it.

namespace catwalk::scrape::css {

bool has_type(const html_node& element, const simple_selector& part);
bool has_id(const html_node& element, std::string_view id);
bool has_class(const html_node& element, std::string_view name);
bool has_attribute(const html_node& element, const simple_selector& part);
/// Without elements and without any text but blanks (Selectors level 4).
bool is_empty(const html_node& element);
/// Whether the text under the element, or its own texts alone, holds one of the part's texts.
bool contains_text(const html_node& element, const simple_selector& part, bool own);
/// `:lang()`, by the extended filtering of RFC 4647, section 3.3.2.
bool has_language(const html_node& element, const simple_selector& part);
/// The pseudo-classes of forms and links (HTML standard, 4.16.3).
bool is_form_state(const html_node& element, simple_kind kind);

html_node parent_element(const html_node& node);
html_node next_element(html_node node);
html_node previous_element(html_node node);

}  // namespace catwalk::scrape::css
