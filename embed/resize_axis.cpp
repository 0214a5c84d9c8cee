#include "embed/resize_axis.hpp"

#include <cmath>

namespace catwalk::embed {
namespace {

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

}  // namespace

resize_axis make_resize_axis(int in, double extent, std::int64_t out, std::int64_t offset, int outputs,
                             interpolation filter) {
  const double scale = extent / static_cast<double>(out);
  const double filter_scale = std::max(scale, 1.0);
  const double support = (filter == interpolation::bicubic ? 2.0 : 1.0) * filter_scale;
  resize_axis a;
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
      const double w =
          (sum != 0 ? exact[static_cast<std::size_t>(k)] / sum : 0) * (1 << resize_precision_bits);
      weights[k] = static_cast<int>(w < 0 ? w - 0.5 : w + 0.5);
    }
    a.first[static_cast<std::size_t>(i)] = first;
    a.count[static_cast<std::size_t>(i)] = count;
  }
  return a;
}

}  // namespace catwalk::embed
