#include "embed/attention_block.hpp"
#include "embed/simd_avx2.hpp"

namespace catwalk::embed {

void attend_avx2(const attention_head<float>& head, float* scratch) {
  attention_block<avx2>::attend(head, scratch);
}

}  // namespace catwalk::embed
