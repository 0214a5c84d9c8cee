#include <ATen/Version.h>

#include <string>

#include "embed/row_kernel.hpp"

namespace catwalk::embed {

template <>
const row_kernels<float>& choose_row_kernels() {
#if defined(__x86_64__)
  const std::string capability = at::get_cpu_capability();
  if (capability == "AVX512") return avx512_row_kernels();
  if (capability == "AVX2") return avx2_row_kernels();
#endif
  return portable_row_kernels();
}

template <>
const row_kernels<std::uint16_t>& choose_row_kernels() {
#if defined(__x86_64__)
  if (at::get_cpu_capability() == "AVX512" && __builtin_cpu_supports("avx512bf16"))
    return avx512_row_kernels_bf16();
#endif
  return portable_row_kernels_bf16();
}

}  // namespace catwalk::embed
