#pragma once
#include <cstddef>

namespace catwalk::scrape {

/// Of a list in a shop's item (colours, sizes, pictures) so many are kept: each new one is compared with all
/// before.
inline constexpr std::size_t most_listed = 1000;

}  // namespace catwalk::scrape
