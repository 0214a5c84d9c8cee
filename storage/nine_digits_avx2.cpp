#include <immintrin.h>

#include "storage/nine_digits.hpp"

namespace catwalk::storage {

namespace {

/// Eight numbers below 2^32 divided by 10,000.
__m256i divided_by_10000(__m256i numbers) {
  const __m256i factor = _mm256_set1_epi64x(0xD1B7'1759);  // 2^45 / 10,000, rounded up
  const __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(numbers, factor), 45);
  const __m256i odd = _mm256_srli_epi64(_mm256_mul_epu32(_mm256_srli_epi64(numbers, 32), factor), 45);
  return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0b1010'1010);
}

/// Sixteen numbers below 100, each as its two digits.
__m256i digits_of(__m256i twos) {
  const __m256i tens = _mm256_mulhi_epu16(twos, _mm256_set1_epi16(6554));  // 2^16 / 10, rounded up
  const __m256i ones = _mm256_sub_epi16(twos, _mm256_mullo_epi16(tens, _mm256_set1_epi16(10)));
  return _mm256_add_epi8(_mm256_or_si256(tens, _mm256_slli_epi16(ones, 8)), _mm256_set1_epi8('0'));
}

/// Of eight numbers.
void write_digits(const std::uint32_t* numbers, char* first_digits, char* other_digits) {
  const __m256i all = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(numbers));
  const __m256i ten_thousand = _mm256_set1_epi32(10'000);
  // Nine digits as five and four, the five as one and four: 10,000 is 16 times 625, and 6711 is 2^22 / 625,
  // rounded up.
  const __m256i fives = divided_by_10000(all);
  const __m256i first =
      _mm256_srli_epi32(_mm256_mullo_epi32(_mm256_srli_epi32(fives, 4), _mm256_set1_epi32(6711)), 22);
  const __m256i high = _mm256_sub_epi32(fives, _mm256_mullo_epi32(first, ten_thousand));
  const __m256i low = _mm256_sub_epi32(all, _mm256_mullo_epi32(fives, ten_thousand));
  // The fours side by side, as words of 16 bits; 5243 is 2^19 / 100, rounded up.
  const __m256i fours = _mm256_or_si256(high, _mm256_slli_epi32(low, 16));
  const __m256i hundreds = _mm256_srli_epi16(_mm256_mulhi_epu16(fours, _mm256_set1_epi16(5243)), 3);
  const __m256i rest = _mm256_sub_epi16(fours, _mm256_mullo_epi16(hundreds, _mm256_set1_epi16(100)));
  // Numbers 0, 1, 4, 5 and 2, 3, 6, 7: interleaving goes by halves of a register.
  const __m256i here = digits_of(_mm256_unpacklo_epi16(hundreds, rest));
  const __m256i there = digits_of(_mm256_unpackhi_epi16(hundreds, rest));
  auto* const others = reinterpret_cast<__m256i*>(other_digits);
  _mm256_storeu_si256(others, _mm256_permute2x128_si256(here, there, 0x20));
  _mm256_storeu_si256(others + 1, _mm256_permute2x128_si256(here, there, 0x31));

  const __m256i shuffled = _mm256_shuffle_epi8(
      first, _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12, -1,
                              -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
  const __m128i eight =
      _mm_unpacklo_epi32(_mm256_castsi256_si128(shuffled), _mm256_extracti128_si256(shuffled, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(first_digits), _mm_add_epi8(eight, _mm_set1_epi8('0')));
}

}  // namespace

void write_nine_digits_avx2(const std::uint32_t* numbers, nine_digits& into) noexcept {
  for (std::size_t i = 0; i < nine_digits::numbers; i += 8)
    write_digits(numbers + i, into.first + i, &into.others[0][0] + 8 * i);
}

}  // namespace catwalk::storage
