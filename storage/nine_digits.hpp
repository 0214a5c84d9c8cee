#pragma once
#include <cstddef>
#include <cstdint>

namespace catwalk::storage {

/// Nine decimal digits of so many numbers, as text: the first of each apart, so that its other eight are one
/// word.
struct nine_digits {
  static constexpr std::size_t numbers = 64;
  char first[numbers];
  char others[numbers][8];
};

/// Writes the digits of `nine_digits::numbers` numbers, each below 10^9.
using nine_digits_writer = void (*)(const std::uint32_t* numbers, nine_digits& into);

/// The fastest one that this processor runs: AVX2, else plain C++.
nine_digits_writer chosen_nine_digits() noexcept;

void write_nine_digits_plain(const std::uint32_t* numbers, nine_digits& into) noexcept;
#if defined(__x86_64__)
void write_nine_digits_avx2(const std::uint32_t* numbers, nine_digits& into) noexcept;
#endif

}  // namespace catwalk::storage
