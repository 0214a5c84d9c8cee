#include "storage/nine_digits.hpp"

#include <bit>
#include <cstring>

namespace catwalk::storage {

namespace {

/// The eight digits of a number below 10^8, the first in the lowest byte: halves, quarters and digits side by
/// side in one word, each split by a multiplication in place of a division.
std::uint64_t eight_digits(std::uint32_t number) {
  const std::uint64_t fours = number / 10'000 | std::uint64_t{number % 10'000} << 32;
  const std::uint64_t hundreds = fours * 10'486 >> 20 & 0x0000'007F'0000'007F;
  const std::uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
  const std::uint64_t tens = twos * 103 >> 10 & 0x000F'000F'000F'000F;
  return (tens | (twos - 10 * tens) << 8) + 0x3030'3030'3030'3030;
}

}  // namespace

void write_nine_digits_plain(const std::uint32_t* numbers, nine_digits& into) noexcept {
  for (std::size_t i = 0; i < nine_digits::numbers; ++i) {
    into.first[i] = static_cast<char>('0' + numbers[i] / 100'000'000);
    auto digits = eight_digits(numbers[i] % 100'000'000);
    if constexpr (std::endian::native == std::endian::big) digits = __builtin_bswap64(digits);
    std::memcpy(into.others[i], &digits, sizeof digits);
  }
}

nine_digits_writer chosen_nine_digits() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return write_nine_digits_avx2;
#endif
  return write_nine_digits_plain;
}

}  // namespace catwalk::storage
