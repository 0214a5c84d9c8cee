#pragma once
#include <string>
#include <string_view>

#include "core/product.hpp"

namespace catwalk {

/// What `to_json` gives, as text, without building the document.
std::string to_text(const product& p);
/// What `product_from_json` gives for the parsed text, without building the document. Throws
/// nlohmann::json::exception where the text is no product's.
product product_from_text(std::string_view text);

}  // namespace catwalk
