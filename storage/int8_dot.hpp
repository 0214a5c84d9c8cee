#pragma once
#include <cstddef>
#include <cstdint>

namespace catwalk::storage {

/// The sum of row[i] * query[i] over `n` numbers, exactly. `n` is a multiple of `int8_dot_step`, and no sum
/// of n / 8 of the products exceeds 2^31 - 1.
using int8_dot = std::int64_t (*)(const std::int8_t* row, const std::int16_t* query, std::size_t n);
inline constexpr std::size_t int8_dot_step = 16;

/// The fastest kernel that this processor runs: AVX2, else plain C++.
int8_dot chosen_int8_dot() noexcept;

std::int64_t int8_dot_plain(const std::int8_t* row, const std::int16_t* query, std::size_t n) noexcept;
#if defined(__x86_64__)
std::int64_t int8_dot_avx2(const std::int8_t* row, const std::int16_t* query, std::size_t n) noexcept;
#endif

}  // namespace catwalk::storage
