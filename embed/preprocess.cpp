#include "embed/preprocess.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "embed/horizontal_pass.hpp"

// Builds the function a second time for processors with AVX2, and takes that one where it runs.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define CATWALK_VECTORISED [[gnu::target_clones("arch=x86-64-v3", "default")]]
#else
#define CATWALK_VECTORISED
#endif

namespace catwalk::embed {
namespace {

/// `count` rows of `width` bytes, one behind the other, to one. `sums` is scratch memory of that width.
CATWALK_VECTORISED void blend_rows(const std::uint8_t* rows, const int* weights, int count, int* sums,
                                   std::size_t width, std::uint8_t* out) {
  std::fill_n(sums, width, resize_half);
  for (int k = 0; k < count; ++k, rows += width) {
    const int weight = weights[k];
    for (std::size_t i = 0; i < width; ++i) sums[i] += weight * rows[i];
  }
  for (std::size_t i = 0; i < width; ++i) out[i] = resized_pixel(sums[i]);
}

/// The square's rows of a picture that starts at row `begin`, [size, width, 3].
std::vector<std::uint8_t> resize_columns(const std::uint8_t* pixels, int width, int begin,
                                         const resize_axis& rows, int size) {
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
bool goes_vertically_first(const decoded_image& image, std::int64_t width, std::int64_t height) noexcept {
  return image.height > height && image.height - height > 2 * (image.width - width);
}

void to_planes(const std::vector<std::uint8_t>& square, int size, std::uint8_t* out) {
  const auto plane = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  for (std::size_t i = 0; i < plane; ++i)
    for (std::size_t c = 0; c < 3; ++c) out[c * plane + i] = square[i * 3 + c];
}

/// Which inputs the square is made of, by column and by row.
struct resize_plan {
  resize_axis columns, rows;
  bool vertical_first = false;
};

resize_plan plan_for(const decoded_image& image, const preprocess_spec& spec) {
  const bool squash = spec.fitting == fit::squash;
  const int full_width = image.full_width(), full_height = image.full_height();
  const bool upright = full_width <= full_height;
  const auto longer =
      upright ? long_edge(spec.size, full_height, full_width) : long_edge(spec.size, full_width, full_height);
  const std::int64_t width = squash || upright ? spec.size : longer;
  const std::int64_t height = squash || !upright ? spec.size : longer;
  const double shrunk = image.scale ? image.scale->eighths / 8.0 : 1;
  return {make_resize_axis(image.width, full_width * shrunk, width, (width - spec.size) / 2, spec.size,
                           spec.filter),
          make_resize_axis(image.height, full_height * shrunk, height, (height - spec.size) / 2, spec.size,
                           spec.filter),
          goes_vertically_first(image, width, height)};
}

/// The square of a whole picture, vertically first.
std::vector<std::uint8_t> squared(const decoded_image& image, const resize_plan& plan, int size) {
  const auto low = resize_columns(image.pixels.get(), image.width, 0, plan.rows, size);
  const auto row = static_cast<std::size_t>(image.width) * 3, out_row = static_cast<std::size_t>(size) * 3;
  std::vector<std::uint8_t> square(static_cast<std::size_t>(size) * out_row);
  horizontal_pass pass(plan.columns, size);
  for (std::size_t y = 0; y < static_cast<std::size_t>(size); ++y)
    pass.resize(low.data() + y * row, square.data() + y * out_row);
  return square;
}

}  // namespace

struct row_preprocessor::impl {
  impl(resize_plan p, int size)
      : plan(std::move(p)),
        pass(plan.columns, size),
        narrow(static_cast<std::size_t>(plan.rows.end() - plan.rows.begin()) *
               static_cast<std::size_t>(size) * 3) {}

  resize_plan plan;
  horizontal_pass pass;
  std::vector<std::uint8_t> narrow;  ///< the rows that count, as wide as the square
  int row = 0;
};

row_preprocessor::row_preprocessor(const preprocess_spec& spec) : spec_(spec) {}
row_preprocessor::~row_preprocessor() = default;

bool row_preprocessor::begin(const decoded_image& picture) {
  auto plan = plan_for(picture, spec_);
  if (plan.vertical_first) return false;
  impl_ = std::make_unique<impl>(std::move(plan), spec_.size);
  return true;
}

void row_preprocessor::take(const std::uint8_t* row) {
  const int y = impl_->row++, begin = impl_->plan.rows.begin();
  if (y < begin || y >= impl_->plan.rows.end()) return;
  const auto at = static_cast<std::size_t>(y - begin) * static_cast<std::size_t>(spec_.size) * 3;
  impl_->pass.resize(row, impl_->narrow.data() + at);
}

void row_preprocessor::finish(std::uint8_t* out) const {
  const auto& rows = impl_->plan.rows;
  to_planes(resize_columns(impl_->narrow.data(), spec_.size, rows.begin(), rows, spec_.size), spec_.size,
            out);
}

result<void> preprocess_into(const decoded_image& image, const preprocess_spec& spec, std::uint8_t* out) {
  if (image.width < 1 || image.height < 1 || spec.size < 1) {
    error e;
    e.code = errc::invalid_argument;
    e.what = "cannot resize image";
    e.why = std::to_string(image.width) + "x" + std::to_string(image.height) + " to a square of " +
            std::to_string(spec.size);
    return e;
  }
  row_preprocessor by_rows(spec);
  if (!by_rows.begin(image)) {
    to_planes(squared(image, plan_for(image, spec), spec.size), spec.size, out);
    return {};
  }
  const auto row = static_cast<std::size_t>(image.width) * 3;
  for (std::size_t y = 0; y < static_cast<std::size_t>(image.height); ++y)
    by_rows.take(image.pixels.get() + y * row);
  by_rows.finish(out);
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
