#include "storage/int8_dot.hpp"

namespace catwalk::storage {

std::int64_t int8_dot_plain(const std::int8_t* row, const std::int16_t* query, std::size_t n) noexcept {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < n; i += int8_dot_step) {
    std::int32_t part = 0;
    for (std::size_t j = i; j < i + int8_dot_step; ++j) part += row[j] * query[j];
    sum += part;
  }
  return sum;
}

int8_dot chosen_int8_dot() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return int8_dot_avx2;
#endif
  return int8_dot_plain;
}

}  // namespace catwalk::storage
