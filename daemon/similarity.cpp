#include "daemon/similarity.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace catwalk::daemon {

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return 0;
  double product = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    product += x * y;
    aa += x * x;
    bb += y * y;
  }
  const double lengths = std::sqrt(aa) * std::sqrt(bb);
  return lengths > 0 ? std::clamp(product / lengths, -1.0, 1.0) : 0;
}

similarity_summary summarise(std::vector<double> cosines) {
  std::sort(cosines.begin(), cosines.end());
  const auto rank = [&](double part) {
    const auto nth = static_cast<std::size_t>(std::ceil(part * static_cast<double>(cosines.size())));
    return cosines[std::max<std::size_t>(nth, 1) - 1];
  };
  return {cosines.front(), rank(0.05), rank(0.5)};
}

}  // namespace catwalk::daemon
