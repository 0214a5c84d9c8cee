#pragma once
#include "scrape/selector_scanner.hpp"

namespace catwalk::scrape::css {

/// The elements at the places step * n + offset, n from 0, counted from 1 (CSS Syntax, "An+B").
struct an_plus_b {
  int step = 0, offset = 0;
};

/// Reads `even`, `odd`, `5`, `2n+1`, `-n + 3`, `+n`. Throws `selector_error`.
an_plus_b read_an_plus_b(scanner& scan);

}  // namespace catwalk::scrape::css
