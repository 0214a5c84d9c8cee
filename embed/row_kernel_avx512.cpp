#include "embed/row_block.hpp"
#include "embed/simd_avx512.hpp"

namespace catwalk::embed {

const row_kernels<float>& avx512_row_kernels() {
  return row_block<avx512, float>::table;
}
const row_kernels<std::uint16_t>& avx512_row_kernels_bf16() {
  return row_block<avx512, std::uint16_t>::table;
}

}  // namespace catwalk::embed
