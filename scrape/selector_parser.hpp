#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "scrape/selector.hpp"
#include "scrape/selector_syntax.hpp"

namespace catwalk::scrape::css {

/// What the parser makes of a selector's text (Selectors level 4, CSS Syntax level 3).
struct parsed_selector {
  selector_list list;
  std::vector<std::string> notes;
};

/// Throws `selector_error` where the text is no selector; `selector::compile` catches it.
parsed_selector parse_selector(std::string_view text);

}  // namespace catwalk::scrape::css
