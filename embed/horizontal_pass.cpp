#include "embed/horizontal_pass.hpp"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace catwalk::embed {
namespace {

constexpr std::size_t block = 16;
constexpr int low_bits = 11;

/// What both ways of computing a row work with.
struct row_parts {
  const std::int16_t* planes;
  std::size_t stride;
  const int* first;
  const std::int16_t* high;
  const std::int16_t* low;
  std::size_t blocks, outputs;
};

void split_portably(const std::uint8_t* rgb, std::size_t pixels, std::int16_t* planes, std::size_t stride) {
  for (std::size_t x = 0; x < pixels; ++x)
    for (std::size_t c = 0; c < 3; ++c) planes[c * stride + x] = rgb[x * 3 + c];
}

void resize_portably(const row_parts& row, std::uint8_t* out) {
  const std::size_t taps = row.blocks * block;
  for (std::size_t x = 0; x < row.outputs; ++x)
    for (std::size_t c = 0; c < 3; ++c) {
      const auto* values = row.planes + c * row.stride + row.first[x];
      int high = 0, low = 0;
      for (std::size_t k = 0; k < taps; ++k) {
        high += values[k] * row.high[x * taps + k];
        low += values[k] * row.low[x * taps + k];
      }
      *out++ = resized_pixel(resize_half + high * (1 << low_bits) + low);
    }
}

#if defined(__x86_64__)

bool has_avx2() noexcept {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

/// 16 pixels at a time: each colour's bytes of three registers are shuffled to their places in one.
[[gnu::target("avx2")]] void split_by_avx2(const std::uint8_t* rgb, std::size_t pixels, std::int16_t* planes,
                                           std::size_t stride) {
  alignas(16) std::int8_t places[3][3][16];
  std::memset(places, -1, sizeof places);
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t x = 0; x < block; ++x) {
      const auto at = x * 3 + c;
      places[c][at / block][x] = static_cast<std::int8_t>(at % block);
    }
  std::size_t x = 0;
  for (; x + block <= pixels; x += block) {
    const auto* from = reinterpret_cast<const __m128i*>(rgb + x * 3);
    const __m128i parts[3] = {_mm_loadu_si128(from), _mm_loadu_si128(from + 1), _mm_loadu_si128(from + 2)};
    for (std::size_t c = 0; c < 3; ++c) {
      __m128i bytes = _mm_setzero_si128();
      for (std::size_t part = 0; part < 3; ++part) {
        const auto where = _mm_load_si128(reinterpret_cast<const __m128i*>(places[c][part]));
        bytes = _mm_or_si128(bytes, _mm_shuffle_epi8(parts[part], where));
      }
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(planes + c * stride + x), _mm256_cvtepu8_epi16(bytes));
    }
  }
  split_portably(rgb + x * 3, pixels - x, planes + x, stride);
}

/// The weighted sums of eight pairs of lanes of one colour, which together are the output's.
[[gnu::target("avx2")]] inline __m256i weigh(const std::int16_t* values, const std::int16_t* high,
                                             const std::int16_t* low, std::size_t blocks) {
  const auto at = [](const std::int16_t* p) { return reinterpret_cast<const __m256i*>(p); };
  __m256i h = _mm256_setzero_si256(), l = _mm256_setzero_si256();
  for (std::size_t b = 0; b < blocks; ++b, values += block, high += block, low += block) {
    const __m256i v = _mm256_loadu_si256(at(values));
    h = _mm256_add_epi32(h, _mm256_madd_epi16(v, _mm256_loadu_si256(at(high))));
    l = _mm256_add_epi32(l, _mm256_madd_epi16(v, _mm256_loadu_si256(at(low))));
  }
  return _mm256_add_epi32(_mm256_slli_epi32(h, low_bits), l);
}

[[gnu::target("avx2")]] void resize_by_avx2(const row_parts& row, std::uint8_t* out) {
  const std::size_t taps = row.blocks * block;
  const __m128i half = _mm_set1_epi32(resize_half);
  for (std::size_t x = 0; x < row.outputs; ++x, out += 3) {
    const auto* values = row.planes + row.first[x];
    const auto* high = row.high + x * taps;
    const auto* low = row.low + x * taps;
    const __m256i red = weigh(values, high, low, row.blocks);
    const __m256i green = weigh(values + row.stride, high, low, row.blocks);
    const __m256i blue = weigh(values + 2 * row.stride, high, low, row.blocks);
    const __m256i sums =
        _mm256_hadd_epi32(_mm256_hadd_epi32(red, green), _mm256_hadd_epi32(blue, _mm256_setzero_si256()));
    __m128i pixel = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    pixel = _mm_srai_epi32(_mm_add_epi32(pixel, half), resize_precision_bits);
    pixel = _mm_packs_epi32(pixel, pixel);
    pixel = _mm_packus_epi16(pixel, pixel);
    const int bytes = _mm_cvtsi128_si32(pixel);
    std::memcpy(out, &bytes, 3);
  }
}

#endif

void split(const std::uint8_t* rgb, std::size_t pixels, std::int16_t* planes, std::size_t stride) {
#if defined(__x86_64__)
  if (has_avx2()) return split_by_avx2(rgb, pixels, planes, stride);
#endif
  split_portably(rgb, pixels, planes, stride);
}

void resize_parts(const row_parts& row, std::uint8_t* out) {
#if defined(__x86_64__)
  if (has_avx2()) return resize_by_avx2(row, out);
#endif
  resize_portably(row, out);
}

}  // namespace

horizontal_pass::horizontal_pass(const resize_axis& columns, int size)
    : outputs_(static_cast<std::size_t>(size)),
      blocks_((static_cast<std::size_t>(columns.taps) + block - 1) / block),
      skipped_(static_cast<std::size_t>(columns.begin())),
      used_(static_cast<std::size_t>(columns.end()) - skipped_),
      stride_(used_ + blocks_ * block),
      first_(columns.first),
      high_(outputs_ * blocks_ * block),
      low_(high_.size()),
      planes_(3 * stride_) {
  for (int& x : first_) x -= columns.begin();
  for (std::size_t x = 0; x < outputs_; ++x)
    for (std::size_t k = 0; k < static_cast<std::size_t>(columns.taps); ++k) {
      // Rounded to the nearest, the low part is no larger than the weight: no sum of them overflows.
      const int weight = columns.weights_of(static_cast<int>(x))[k];
      const int high = (weight + (1 << (low_bits - 1))) >> low_bits;
      high_[x * blocks_ * block + k] = static_cast<std::int16_t>(high);
      low_[x * blocks_ * block + k] = static_cast<std::int16_t>(weight - high * (1 << low_bits));
    }
}

void horizontal_pass::resize(const std::uint8_t* row, std::uint8_t* out) {
  split(row + skipped_ * 3, used_, planes_.data(), stride_);
  resize_parts({planes_.data(), stride_, first_.data(), high_.data(), low_.data(), blocks_, outputs_}, out);
}

}  // namespace catwalk::embed
