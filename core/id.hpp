#pragma once
#include <compare>
#include <functional>
#include <string>
#include <utility>

namespace catwalk {

/// A string that is one kind of identifier and converts to no other.
template <class Tag>
class id {
 public:
  id() = default;
  explicit id(std::string value) : value_(std::move(value)) {}
  const std::string& str() const noexcept { return value_; }
  bool empty() const noexcept { return value_.empty(); }
  // clang-tidy 14 takes the 0 in a comparison that C++20 rewrites for a null pointer.
  friend auto operator<=>(const id&, const id&) = default;  // NOLINT(modernize-use-nullptr)

 private:
  std::string value_;
};

/// Lower-case hex SHA-256 of `source:external_id` (of `source:product_url` without one), as the predecessor's
/// tables have it. One product has one, whatever the layout of the sink.
using product_id = id<struct product_id_tag>;
/// The name of a site: `name` of its stanza, else its `brand`.
using site_name = id<struct site_name_tag>;

}  // namespace catwalk

template <class Tag>
struct std::hash<catwalk::id<Tag>> {
  std::size_t operator()(const catwalk::id<Tag>& v) const noexcept {
    return std::hash<std::string>{}(v.str());
  }
};
