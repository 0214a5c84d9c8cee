#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "scrape/html_document.hpp"

namespace catwalk::scrape {

/// The candidate of a `srcset` to take for a picture `width` pixels wide: the widest that is not above it,
/// else the narrowest; of candidates with densities the one nearest to 1x. Empty where there is none.
std::string choose_from_srcset(std::string_view srcset, int width);

/// The addresses under which an `img` (or `source`, or any element with such attributes) may have its
/// picture, best first: `srcset` and its lazy forms, the attributes from which scripts load lazily, `src`;
/// then those of the `source`s beside it in a `picture`; then a `background-image` in its `style`. As they
/// are written.
std::vector<std::string> image_candidates(const html_node& element, int width);

/// The address that relative addresses of a page mean: its first `<base href>`, else its own.
std::string base_of(const html_document& page, const std::string& address);

}  // namespace catwalk::scrape
