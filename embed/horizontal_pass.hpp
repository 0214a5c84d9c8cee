#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "embed/resize_axis.hpp"

namespace catwalk::embed {

/// The horizontal pass of a resize, row by row, to the bit as Pillow's. Where the processor has AVX2, by its
/// multiplication of 16-bit numbers that adds them up in pairs: each weight of 23 bits goes in as two.
class horizontal_pass {
 public:
  /// `columns`: the `size` outputs and the inputs that each is made of.
  horizontal_pass(const resize_axis& columns, int size);

  /// One row of interleaved RGB, as wide as the axis' inputs, to `size` pixels of it.
  void resize(const std::uint8_t* row, std::uint8_t* out);

 private:
  std::size_t outputs_, blocks_;  ///< a block is 16 inputs
  std::size_t skipped_, used_;    ///< pixels of a row: before the first that counts, and those that count
  std::size_t stride_;            ///< of a plane: a block more than counts can be read
  std::vector<int> first_;        ///< per output, counted from the first pixel that counts
  std::vector<std::int16_t> high_, low_;  ///< per output `blocks_` blocks: weight = high * 2048 + low
  std::vector<std::int16_t> planes_;      ///< the row: red, green, blue
};

}  // namespace catwalk::embed
