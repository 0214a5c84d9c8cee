#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
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
    const auto begin = out_.size();
    out_.resize(begin + 4 * values.size());
    char* at = out_.data() + begin;
    for (const float value : values) {
      const auto word = big_endian(std::bit_cast<std::uint32_t>(value));
      std::memcpy(at, &word, sizeof word);
      at += sizeof word;
    }
  }
  /// All of it. Nothing may be added afterwards.
  std::string_view finish() {
    number(static_cast<std::uint16_t>(0xFFFF));
    return out_;
  }

 private:
  static std::uint32_t big_endian(std::uint32_t word) {
    if constexpr (std::endian::native == std::endian::little) return __builtin_bswap32(word);
    return word;
  }
  void number(std::uint32_t value) {
    const auto word = big_endian(value);
    out_.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  void number(std::uint16_t value) {
    out_ += static_cast<char>(value >> 8);
    out_ += static_cast<char>(value & 0xFF);
  }
  std::string out_;
};

}  // namespace catwalk::storage
