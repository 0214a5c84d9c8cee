#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace catwalk::embed {

/// Turns a text into the numbers that a text tower was trained on. Immutable, hence thread-safe.
class text_tokenizer {
 public:
  virtual ~text_tokenizer() = default;
  /// Token ids with the marks of start and end that the model wants, cut to its context with the end mark
  /// kept. Never fails: bytes that are no UTF-8 count as U+FFFD.
  virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;
};

}  // namespace catwalk::embed
