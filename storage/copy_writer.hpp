#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace catwalk::storage {

/// Writes what COPY … (FORMAT binary) takes: https://www.postgresql.org/docs/current/sql-copy.html, "Binary
/// Format". Vectors in pgvector's form: the width and a zero as 16 bits, then the numbers, all big-endian.
class copy_writer {
 public:
  copy_writer() : out_("PGCOPY\n\377\r\n\0", 11) {
    number(std::uint32_t{0});  // flags
    number(std::uint32_t{0});  // length of the header's extension
  }
  void row(std::uint16_t fields) { number(fields); }
  void null() { number(~std::uint32_t{0}); }
  void text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    out_ += value;
  }
  void vector(const std::vector<float>& values) {
    number(static_cast<std::uint32_t>(4 + 4 * values.size()));
    number(static_cast<std::uint16_t>(values.size()));
    number(std::uint16_t{0});
    for (const float value : values) number(std::bit_cast<std::uint32_t>(value));
  }
  /// All of it. Nothing may be added afterwards.
  std::string_view finish() {
    number(static_cast<std::uint16_t>(0xFFFF));
    return out_;
  }

 private:
  template <class T>
  void number(T value) {
    for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8)
      out_ += static_cast<char>(value >> shift & 0xFF);
  }
  std::string out_;
};

}  // namespace catwalk::storage
