#pragma once
#include <optional>
#include <string_view>

#include "scrape/selector_syntax.hpp"

namespace catwalk::scrape::css {

// Names of pseudo-classes and pseudo-elements, in lower case.

/// The test of a pseudo-class without an argument that needs nothing but the element.
std::optional<simple_kind> plain_class(std::string_view name);
/// Defined by the CSS specifications, and existing in a browser alone (`hover`).
bool is_browser_class(std::string_view name);
/// Known elsewhere, and not done here: a message says so instead of calling them unknown.
bool is_class_not_done(std::string_view name);
bool is_pseudo_element(std::string_view name);
/// An old pseudo-element that a single colon may precede.
bool is_colon_element(std::string_view name);

}  // namespace catwalk::scrape::css
