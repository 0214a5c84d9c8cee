#include "embed/row_block.hpp"
#include "embed/simd_avx2.hpp"

namespace catwalk::embed {

const row_kernels<float>& avx2_row_kernels() {
  return row_block<avx2, float>::table;
}

}  // namespace catwalk::embed
