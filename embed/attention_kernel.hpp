#pragma once
#include <cstddef>
#include <cstdint>

namespace catwalk::embed {

/// Numbers per head that the kernels are written for; every published CLIP has it.
constexpr int attention_depth = 64;

/// One head of one picture: out = softmax(q k^T / sqrt(64)) v. Rows hold 64 numbers, one behind the other;
/// strides are between rows, in elements. `T` is float, or std::uint16_t for bfloat16's bits.
template <class T>
struct attention_head {
  const T* q;
  std::ptrdiff_t q_stride;
  const T* k;
  const T* v;
  std::ptrdiff_t kv_stride;
  T* out;
  std::ptrdiff_t out_stride;
  int queries;
  int keys;
};

/// Computes one head. `scratch` is aligned to 64 bytes and holds attention_scratch(keys) floats; what is in
/// it does not matter.
template <class T>
using attention_kernel = void (*)(const attention_head<T>& head, float* scratch);

/// The kernel for this CPU as ATEN_CPU_CAPABILITY permits; null where there is none.
template <class T>
attention_kernel<T> choose_attention_kernel();
template <>
attention_kernel<float> choose_attention_kernel();
template <>
attention_kernel<std::uint16_t> choose_attention_kernel();

/// Floats of scratch: keys and values, padded to 16 and repacked, and a block of scores.
constexpr std::size_t attention_scratch(int keys) {
  const auto padded = static_cast<std::size_t>((keys + 15) / 16 * 16);
  return padded * (2 * attention_depth + 16);
}

/// One per instruction set. Call what choose_attention_kernel gives: these end the process on a CPU without
/// theirs.
void attend_avx512_bf16(const attention_head<std::uint16_t>& head, float* scratch);
void attend_avx512(const attention_head<float>& head, float* scratch);
void attend_avx2(const attention_head<float>& head, float* scratch);

}  // namespace catwalk::embed
