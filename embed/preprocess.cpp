#include "embed/preprocess.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

// Builds the function a second time for processors with AVX2, and takes that one where it runs.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define CATWALK_VECTORISED [[gnu::target_clones("arch=x86-64-v3", "default")]]
#else
#define CATWALK_VECTORISED
#endif

namespace catwalk::embed {
namespace {

/// Bits behind the point of a weight, as in Pillow's Resample.c: 32 less 8 of a pixel less 2 for sums
/// beyond 1.
constexpr int precision_bits = 32 - 8 - 2;

/// Keys' cubic with a = -0.5, as Pillow and CLIP use it.
double bicubic(double x) noexcept {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double bilinear(double x) noexcept {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

/// The part of one axis that the square needs: for each of its `outputs` pixels the inputs it is made of.
struct axis {
  std::vector<int> first;    ///< per output: its first input pixel
  std::vector<int> count;    ///< per output: how many inputs
  std::vector<int> weights;  ///< per output `taps` fixed-point weights, zero behind `count`
  int taps = 0;

  int begin() const noexcept { return first.front(); }
  int end() const noexcept { return first.back() + count.back(); }
  const int* weights_of(int output) const noexcept {
    return weights.data() + static_cast<std::size_t>(output) * static_cast<std::size_t>(taps);
  }
};

/// Weights for outputs `offset` to `offset + outputs` of resizing `in` pixels to `out`, by Pillow's
/// `precompute_coeffs` and `normalize_coeffs_8bpc` (src/libImaging/Resample.c).
/// `extent` of the `in` pixels is the picture (Pillow's `box`), all of them but where it was scaled down.
axis make_axis(int in, double extent, std::int64_t out, std::int64_t offset, int outputs,
               interpolation filter) {
  const double scale = extent / static_cast<double>(out);
  const double filter_scale = std::max(scale, 1.0);
  const double support = (filter == interpolation::bicubic ? 2.0 : 1.0) * filter_scale;
  axis a;
  a.taps = std::min(static_cast<int>(std::ceil(support)) * 2 + 1, in);
  a.first.resize(static_cast<std::size_t>(outputs));
  a.count.resize(static_cast<std::size_t>(outputs));
  a.weights.assign(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(a.taps), 0);
  std::vector<double> exact(static_cast<std::size_t>(a.taps));
  for (int i = 0; i < outputs; ++i) {
    const double center = (static_cast<double>(offset + i) + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int count = std::min(static_cast<int>(center + support + 0.5), in) - first;
    double sum = 0;
    for (int k = 0; k < count; ++k) {
      const double x = (k + first - center + 0.5) * (1.0 / filter_scale);
      exact[static_cast<std::size_t>(k)] = filter == interpolation::bicubic ? bicubic(x) : bilinear(x);
      sum += exact[static_cast<std::size_t>(k)];
    }
    auto* const weights = a.weights.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(a.taps);
    for (int k = 0; k < count; ++k) {
      const double w = (sum != 0 ? exact[static_cast<std::size_t>(k)] / sum : 0) * (1 << precision_bits);
      weights[k] = static_cast<int>(w < 0 ? w - 0.5 : w + 0.5);
    }
    a.first[static_cast<std::size_t>(i)] = first;
    a.count[static_cast<std::size_t>(i)] = count;
  }
  return a;
}

std::uint8_t to_pixel(int sum) noexcept {
  return static_cast<std::uint8_t>(std::clamp(sum >> precision_bits, 0, 255));
}

constexpr int half = 1 << (precision_bits - 1);

/// Eight RGB pixels side by side are 24 numbers, three vector registers, of which each third belongs to one
/// channel.
constexpr std::size_t block_pixels = 8;
constexpr std::size_t block_lanes = block_pixels * 3;

/// An axis' weights as `resize_row` reads them: each three times, in whole blocks, zero behind the last.
struct lane_weights {
  explicit lane_weights(const axis& a, int outputs)
      : blocks((static_cast<std::size_t>(a.taps) + block_pixels - 1) / block_pixels),
        values(static_cast<std::size_t>(outputs) * blocks * block_lanes) {
    for (int x = 0; x < outputs; ++x)
      for (std::size_t k = 0; k < static_cast<std::size_t>(a.taps); ++k)
        std::fill_n(values.data() + static_cast<std::size_t>(x) * blocks * block_lanes + k * 3, 3,
                    a.weights_of(x)[k]);
  }

  std::size_t blocks;  ///< per output
  std::vector<int> values;
};

/// One row of RGB pixels, widened to int, to `outputs` of them. Behind the row a block more can be read.
CATWALK_VECTORISED void resize_row(const int* in, const int* first, const int* weights, std::size_t blocks,
                                   std::size_t outputs, std::uint8_t* out) {
  for (std::size_t x = 0; x < outputs; ++x, out += 3) {
    const int* values = in + static_cast<std::size_t>(first[x]) * 3;
    std::array<int, block_lanes> sums{};
    for (std::size_t b = 0; b < blocks; ++b, values += block_lanes, weights += block_lanes)
      for (std::size_t i = 0; i < block_lanes; ++i) sums[i] += weights[i] * values[i];
    for (std::size_t c = 0; c < 3; ++c) {
      int sum = half;
      for (std::size_t k = 0; k < block_pixels; ++k) sum += sums[k * 3 + c];
      out[c] = to_pixel(sum);
    }
  }
}

/// `count` rows of `width` bytes, one behind the other, to one. `sums` is scratch memory of that width.
CATWALK_VECTORISED void blend_rows(const std::uint8_t* rows, const int* weights, int count, int* sums,
                                   std::size_t width, std::uint8_t* out) {
  std::fill_n(sums, width, half);
  for (int k = 0; k < count; ++k, rows += width) {
    const int weight = weights[k];
    for (std::size_t i = 0; i < width; ++i) sums[i] += weight * rows[i];
  }
  for (std::size_t i = 0; i < width; ++i) out[i] = to_pixel(sums[i]);
}

/// The square's columns of the rows `begin` to `end`, [end - begin, size, 3].
std::vector<std::uint8_t> resize_rows(const std::uint8_t* pixels, int width, int begin, int end,
                                      const axis& columns, int size) {
  const lane_weights weights(columns, size);
  const auto in_bytes = static_cast<std::size_t>(width) * 3;
  const auto out_bytes = static_cast<std::size_t>(size) * 3;
  // The last block of an output may reach behind the row, and the compiler multiplies vectors of int alone
  // well, so each row is read from a wider copy of the part that counts.
  const auto skipped = static_cast<std::size_t>(columns.begin()) * 3;
  const auto used = static_cast<std::size_t>(columns.end()) * 3 - skipped;
  std::vector<int> row(used + weights.blocks * block_lanes);
  std::vector<int> first(columns.first);
  for (int& x : first) x -= columns.begin();
  std::vector<std::uint8_t> out(static_cast<std::size_t>(end - begin) * out_bytes);
  for (int y = begin; y < end; ++y) {
    std::copy_n(pixels + static_cast<std::size_t>(y) * in_bytes + skipped, used, row.data());
    resize_row(row.data(), first.data(), weights.values.data(), weights.blocks,
               static_cast<std::size_t>(size), out.data() + static_cast<std::size_t>(y - begin) * out_bytes);
  }
  return out;
}

/// The square's rows of a picture that starts at row `begin`, [size, width, 3].
std::vector<std::uint8_t> resize_columns(const std::uint8_t* pixels, int width, int begin, const axis& rows,
                                         int size) {
  const auto row_bytes = static_cast<std::size_t>(width) * 3;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(size) * row_bytes);
  std::vector<int> sums(row_bytes);
  for (int y = 0; y < size; ++y)
    blend_rows(pixels + static_cast<std::size_t>(rows.first[static_cast<std::size_t>(y)] - begin) * row_bytes,
               rows.weights_of(y), rows.count[static_cast<std::size_t>(y)], sums.data(), row_bytes,
               out.data() + static_cast<std::size_t>(y) * row_bytes);
  return out;
}

/// The long edge after resizing, as transformers and torchvision compute it: in doubles, cut off.
std::int64_t long_edge(int size, int longer, int shorter) noexcept {
  return static_cast<std::int64_t>(static_cast<double>(static_cast<std::int64_t>(size) * longer) / shorter);
}

/// Pillow's choice since 13.0 (ImagingResampleInner): with 8 bits between the passes their order shows, by up
/// to some levels at hard edges. Earlier versions go horizontally first whenever the height is at most 100
/// times the width.
bool vertical_first(const decoded_image& image, std::int64_t width, std::int64_t height) noexcept {
  return image.height > height && image.height - height > 2 * (image.width - width);
}

}  // namespace

result<void> preprocess_into(const decoded_image& image, const preprocess_spec& spec, std::uint8_t* out) {
  if (image.width < 1 || image.height < 1 || spec.size < 1) {
    error e;
    e.code = errc::invalid_argument;
    e.what = "cannot resize image";
    e.why = std::to_string(image.width) + "x" + std::to_string(image.height) + " to a square of " +
            std::to_string(spec.size);
    return e;
  }
  const bool squash = spec.fitting == fit::squash;
  const int full_width = image.full_width(), full_height = image.full_height();
  const bool upright = full_width <= full_height;
  const auto longer =
      upright ? long_edge(spec.size, full_height, full_width) : long_edge(spec.size, full_width, full_height);
  const std::int64_t width = squash || upright ? spec.size : longer;
  const std::int64_t height = squash || !upright ? spec.size : longer;
  const double shrunk = image.scale ? image.scale->eighths / 8.0 : 1;
  const auto columns =
      make_axis(image.width, full_width * shrunk, width, (width - spec.size) / 2, spec.size, spec.filter);
  const auto rows =
      make_axis(image.height, full_height * shrunk, height, (height - spec.size) / 2, spec.size, spec.filter);

  std::vector<std::uint8_t> square;
  if (vertical_first(image, width, height)) {
    const auto low = resize_columns(image.pixels.get(), image.width, 0, rows, spec.size);
    square = resize_rows(low.data(), image.width, 0, spec.size, columns, spec.size);
  } else {
    const auto narrow =
        resize_rows(image.pixels.get(), image.width, rows.begin(), rows.end(), columns, spec.size);
    square = resize_columns(narrow.data(), spec.size, rows.begin(), rows, spec.size);
  }
  const auto plane = static_cast<std::size_t>(spec.size) * static_cast<std::size_t>(spec.size);
  for (std::size_t i = 0; i < plane; ++i)
    for (std::size_t c = 0; c < 3; ++c) out[c * plane + i] = square[i * 3 + c];
  return {};
}

void normalise(const std::uint8_t* planar, const preprocess_spec& spec, float* out) {
  const auto plane = static_cast<std::size_t>(spec.size) * static_cast<std::size_t>(spec.size);
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t i = 0; i < plane; ++i)
      out[c * plane + i] =
          (static_cast<float>(planar[c * plane + i]) / 255.0F - spec.mean[c]) / spec.deviation[c];
}

}  // namespace catwalk::embed
