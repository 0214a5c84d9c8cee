#include "embed/attention.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/library.h>

#include <string>
#include <vector>

#include "embed/attention_kernel.hpp"
#include "embed/compute_device.hpp"

namespace catwalk::embed {

#if defined(__x86_64__)
template <>
attention_kernel<float> choose_attention_kernel() {
  const std::string capability = at::get_cpu_capability();
  if (capability == "AVX512") return attend_avx512;
  if (capability == "AVX2") return attend_avx2;
  return nullptr;
}

template <>
attention_kernel<std::uint16_t> choose_attention_kernel() {
  const bool fits = at::get_cpu_capability() == "AVX512" && __builtin_cpu_supports("avx512bf16");
  return fits ? attend_avx512_bf16 : nullptr;
}
#else
template <>
attention_kernel<float> choose_attention_kernel() {
  return nullptr;
}
template <>
attention_kernel<std::uint16_t> choose_attention_kernel() {
  return nullptr;
}
#endif

namespace {

/// A thread's scratch, kept from batch to batch.
float* scratch_for(int keys) {
  thread_local std::vector<float> scratch;
  constexpr std::size_t alignment = 64 / sizeof(float);
  if (scratch.size() < attention_scratch(keys) + alignment)
    scratch.resize(attention_scratch(keys) + alignment);
  const auto address = reinterpret_cast<std::uintptr_t>(scratch.data());
  return reinterpret_cast<float*>((address + 63) / 64 * 64);
}

/// Calls the kernel for every head of every picture. False where there is none for this CPU.
template <class T>
bool run_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, at::Tensor& out) {
  static const auto kernel = choose_attention_kernel<T>();
  if (kernel == nullptr) return false;
  const auto heads = q.size(2);
  const auto first = [](const at::Tensor& t) { return static_cast<T*>(t.data_ptr()); };
  at::parallel_for(0, q.size(0) * heads, 1, [&](std::int64_t begin, std::int64_t end) {
    float* scratch = scratch_for(static_cast<int>(k.size(1)));
    for (auto i = begin; i < end; ++i) {
      const auto at = [b = i / heads, h = i % heads](const at::Tensor& t, std::int64_t head_stride) {
        return b * t.stride(0) + h * head_stride;
      };
      kernel({first(q) + at(q, q.stride(2)), q.stride(1), first(k) + at(k, k.stride(2)),
              first(v) + at(v, v.stride(2)), k.stride(1), first(out) + at(out, attention_depth),
              out.stride(1), static_cast<int>(q.size(1)), static_cast<int>(k.size(1))},
             scratch);
    }
  });
  return true;
}

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  TORCH_CHECK(q.dim() == 4 && k.dim() == 4 && v.sizes() == k.sizes() && q.size(0) == k.size(0) &&
                  q.size(2) == k.size(2) && q.size(3) == k.size(3),
              "attention: q ", q.sizes(), ", k ", k.sizes(), " and v ", v.sizes(), " do not belong together");
  const auto type = q.scalar_type();
  const bool one_type = k.scalar_type() == type && v.scalar_type() == type;
  const bool rows = q.stride(3) == 1 && k.stride(3) == 1 && v.stride(3) == 1 && v.stride(1) == k.stride(1);
  if (one_type && rows && q.size(3) == attention_depth && q.numel() > 0 && k.numel() > 0) {
    auto out = at::empty({q.size(0), q.size(1), q.size(2) * q.size(3)}, q.options());
    if (type == at::kFloat && run_kernel<float>(q, k, v, out)) return out;
    if (type == at::kBFloat16 && run_kernel<std::uint16_t>(q, k, v, out)) return out;
  }
  const auto heads_first = [](const at::Tensor& t) { return t.transpose(1, 2); };
  return at::scaled_dot_product_attention(heads_first(q), heads_first(k), heads_first(v))
      .transpose(1, 2)
      .reshape({q.size(0), q.size(1), q.size(2) * q.size(3)});
}

}  // namespace

void register_attention() {
  static const auto library = [] {
    torch::Library made(torch::Library::DEF, "catwalk", std::nullopt, __FILE__, __LINE__);
    made.def("attention(Tensor q, Tensor k, Tensor v) -> Tensor");
    made.impl("attention", c10::DispatchKey::CPU, torch::CppFunction(TORCH_FN(attention)));
    return made;
  }();
}

}  // namespace catwalk::embed
