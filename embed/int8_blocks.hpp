#pragma once
#include <string_view>

#include "embed/int8_calibration.hpp"
#include "embed/module_builder.hpp"

namespace catwalk::embed {

/// TorchScript of a transformer's blocks with int8 linear layers: `block` and `last_block`, in the place of
/// those with oneDNN's fp32 or bf16 ones. What passes between the blocks stays in fp32 or bf16.
std::string_view int8_block_source();

/// A block's attention and feed-forward part as those functions take them: weights as int8 with a scale for
/// each output, packed for oneDNN, `calibration` taken in. `split` as for module_builder::attention.
struct int8_block {
  c10::List<at::Tensor> attention, feed;
};
int8_block make_int8_block(const module_builder& builder, const int8_calibration& calibration,
                           const std::string& block, std::int64_t width, bool split);

}  // namespace catwalk::embed
