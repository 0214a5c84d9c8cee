#pragma once
#include <string>
#include <string_view>

#include "core/product.hpp"

namespace catwalk {

/// What `to_json` gives, as text, without building the document.
std::string to_text(const product& p);

/// A product's text and the hash of its fields, whose members are written once for both. The product outlives
/// it.
class product_text {
 public:
  explicit product_text(const product& p);
  /// As product::field_hash().
  std::string field_hash() const;
  /// As to_text().
  std::string whole() &&;

 private:
  const product& product_;
  std::string text_ = "{";  ///< the members that count for the hash, not closed
};

/// What `product_from_json` gives for the parsed text, without building the document. Throws
/// nlohmann::json::exception where the text is no product's.
product product_from_text(std::string_view text);

}  // namespace catwalk
