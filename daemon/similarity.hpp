#pragma once
#include <vector>

namespace catwalk::daemon {

/// The cosine of two vectors, from -1 to 1. They have one width and a length above zero, else 0.
double cosine(const std::vector<float>& a, const std::vector<float>& b);

/// What is told of many cosines.
struct similarity_summary {
  double least = 0;
  double percentile_5 = 0;  ///< nearest rank: at least 5 % are not above it
  double median = 0;        ///< nearest rank
};
/// `cosines` is not empty.
similarity_summary summarise(std::vector<double> cosines);

}  // namespace catwalk::daemon
