#pragma once
#include <string>
#include <utility>

namespace catwalk::config {

/// A value that must never be logged. It has no stream operator and no conversion; `reveal()` is the only way
/// to it.
class secret {
 public:
  secret() = default;
  explicit secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const noexcept { return value_; }
  bool empty() const noexcept { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace catwalk::config
