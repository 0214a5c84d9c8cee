#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace catwalk::embed {

/// SentencePiece's `precompiled_charsmap`: replacements of characters (NFKC and what a vocabulary's author
/// added), the longest match first. Its form: the size of a double array in bytes (little-endian, 32 bits),
/// the double array (darts-clone's: https://github.com/s-yata/darts-clone), and the replacements, each ended
/// by a zero byte.
class character_map {
 public:
  /// One that replaces nothing.
  character_map() = default;
  /// Errors: `model_invalid`, naming `on`, for a map that is cut or whose sizes lie.
  static result<character_map> make(std::string blob, const std::string& on);

  struct replaced {
    std::string_view by;   ///< points into the map, or into the text where nothing is replaced
    std::size_t consumed;  ///< bytes of the text, at least 1
  };
  /// What stands for the start of `text`, which is valid UTF-8 and not empty.
  replaced at_start_of(std::string_view text) const noexcept;

  const std::string& blob() const noexcept { return blob_; }

 private:
  std::string blob_;
  std::vector<std::uint32_t> units_;
  std::size_t replacements_ = 0;  ///< where they start in the blob
};

/// Bytes of the character that starts with `first`, in valid UTF-8.
std::size_t utf8_length(char first) noexcept;

}  // namespace catwalk::embed
