#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace catwalk::storage {

/// Vectors in a quarter of their size, for a first look: each number is a multiple of its row's scale, from
/// -127 to 127, and each row knows how far it is from the vector that it stands for.
///
/// With a unit vector n = s q + e (q whole numbers, e what rounding left) and a query u = t p + f, the cosine
/// u n = t s (p q) + t p e + f n, so that it differs from the first term, which takes whole numbers alone, by
/// at most |t p| |e| + |f| (Cauchy-Schwarz, |n| = 1). |e| is kept with each row, |t p| and |f| with the
/// query, whose p have 16 bits. So estimates come with a bound that holds, and who needs exactness looks at
/// the vectors whose interval reaches into what is asked for.
class quantised_matrix {
 public:
  explicit quantised_matrix(std::size_t width);

  std::size_t width() const noexcept { return width_; }
  std::size_t rows() const noexcept { return rows_; }
  /// What `rows` vectors take in memory.
  std::size_t bytes_of(std::size_t rows) const noexcept;

  /// Adds a vector [width] of any length but zero. False: it has no direction, and nothing was added.
  bool add(const std::vector<float>& vector);

  /// A vector to compare with.
  struct query {
    std::vector<std::int16_t> numbers;  ///< [width, padded]
    double scale = 0;
    double length = 0;    ///< |t p|
    double rounding = 0;  ///< |f|
  };
  /// nullopt: it has no direction.
  std::optional<query> prepare(const std::vector<float>& vector) const;

  struct estimate {
    double cosine;
    double error;  ///< the true cosine is no farther away than this
  };
  estimate look(std::size_t row, const query& q) const noexcept;

 private:
  /// Rows come in blocks, so that growing never needs memory twice.
  static constexpr std::size_t block_rows = 1024;
  struct block {
    std::vector<std::int8_t> numbers;  ///< [rows, padded]
    std::vector<float> scales, errors;
  };

  std::size_t width_, padded_, rows_ = 0;
  std::vector<block> blocks_;
};

/// The cosine of two vectors [n] in double precision; nullopt: one has no direction.
std::optional<double> cosine_of(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace catwalk::storage
