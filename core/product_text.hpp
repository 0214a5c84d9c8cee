#pragma once
#include <string>

#include "core/product.hpp"

namespace catwalk {

/// What `to_json` gives, as text, without building the document.
std::string to_text(const product& p);

}  // namespace catwalk
