#include <immintrin.h>

#include "storage/int8_dot.hpp"

namespace catwalk::storage {

std::int64_t int8_dot_avx2(const std::int8_t* row, const std::int16_t* query, std::size_t n) noexcept {
  __m256i sums = _mm256_setzero_si256();
  for (std::size_t i = 0; i < n; i += int8_dot_step) {
    const __m256i values = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row + i)));
    const __m256i asked = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + i));
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(values, asked));
  }
  alignas(32) std::int32_t lanes[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sums);
  std::int64_t sum = 0;
  for (const auto lane : lanes) sum += lane;
  return sum;
}

}  // namespace catwalk::storage
