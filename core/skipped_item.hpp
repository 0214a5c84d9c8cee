#pragma once
#include <string>

#include "core/id.hpp"

namespace catwalk {

/// An item of a page that was not turned into a product, and why.
struct skipped_item {
  std::string reason;  ///< one of a short list, for counting: "no id", "no image", "no price", "no title" …
  std::string item;    ///< its id, title or position: for `--explain`
  product_id id;       ///< of the product that it would have been, where that is known: it is not gone
};

}  // namespace catwalk
