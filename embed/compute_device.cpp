#include "embed/compute_device.hpp"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/cuda.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace catwalk::embed {
namespace {

error config_error(std::string on, std::string why, std::string hint) {
  return {errc::invalid_config, "cannot set up the embedding device", std::move(on), std::move(why),
          std::move(hint)};
}

/// The instruction sets that oneDNN was told to stay within (the names that its developer guide lists under
/// "CPU dispatcher control"), in capitals; empty: all.
std::string onednn_cap() {
  const char* value = std::getenv("ONEDNN_MAX_CPU_ISA");
  if (value == nullptr) value = std::getenv("DNNL_MAX_CPU_ISA");
  std::string isa = value == nullptr ? "" : value;
  std::transform(isa.begin(), isa.end(), isa.begin(), [](unsigned char c) { return std::toupper(c); });
  return isa;
}

/// Whether the cap leaves no instructions for bfloat16.
bool cap_excludes_bf16(const std::string& isa) {
  return isa == "SSE41" || isa.starts_with("AVX2") || isa == "AVX" || isa == "AVX512_CORE" ||
         isa == "AVX512_CORE_VNNI";
}

bool cap_excludes_vnni(const std::string& isa) {
  return isa == "SSE41" || isa == "AVX" || isa == "AVX2" || isa == "AVX512_CORE";
}

/// CPUID leaf 7 (Intel's manual, volume 2A): AVX512_BF16 is subleaf 1, EAX bit 5; AMX-BF16 is subleaf 0, EDX
/// bit 22.
bool has_bf16_instructions() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool avx512 =
      __builtin_cpu_supports("avx512f") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
  const bool amx =
      __builtin_cpu_supports("avx512f") && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1);
  return avx512 || amx;
#else
  return false;
#endif
}

result<c10::Device> find_device(const std::string& text) {
  const bool there = torch::cuda::is_available();
  if (text == "auto") return there ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
  if (text == "cpu") return c10::Device(c10::kCPU);
  if (text != "cuda" && !text.starts_with("cuda:"))
    return config_error("embed.device: " + text, "there is no such kind of device",
                        "use auto, cpu or cuda:N");
  int index = 0;
  if (text != "cuda") {
    const auto* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data() + 5, end, index);
    if (code != std::errc() || stop != end || index < 0 || index > 127)
      return config_error("embed.device: " + text, "this is not a GPU's number", "use cuda:0, cuda:1 …");
  }
  if (!there)
    return error{errc::device, "cannot use device", text, "torch sees no CUDA device",
                 "use embed.device: cpu, or install the driver and a CUDA build of torch"};
  if (const auto count = torch::cuda::device_count(); index >= static_cast<int>(count))
    return error{
        errc::device, "cannot use device", text,
        count == 1 ? "there is one CUDA device" : "there are " + std::to_string(count) + " CUDA devices",
        "use a lower number; the first is cuda:0"};
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace

bool cpu_is_fast_at_bf16() {
  static const bool fast = !cap_excludes_bf16(onednn_cap()) && has_bf16_instructions();
  return fast;
}

bool cpu_has_byte_dot_products() {
#if defined(__x86_64__)
  static const bool there = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    const bool narrow =
        __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
    return (narrow || __builtin_cpu_supports("avx512vnni")) && !cap_excludes_vnni(onednn_cap());
  }();
  return there;
#else
  return true;
#endif
}

compute_device compute_device::without_int8() const {
  auto other = *this;
  other.int8 = false;
  if (int8) other.precision_name = type == c10::kBFloat16 ? "bf16" : "fp32";
  return other;
}

result<compute_device> choose_device(const std::string& device, const std::string& precision) {
  const auto found = find_device(device);
  if (!found) return found.error();
  compute_device chosen;
  chosen.device = *found;
  const bool cuda = found->is_cuda();
  chosen.device_name = cuda ? found->str() : "cpu";

  const std::string on = "embed.precision: " + precision;
  auto name = precision;
  if (precision == "auto") name = cuda ? "fp16" : cpu_is_fast_at_bf16() ? "bf16" : "fp32";
  if (name == "int8" && cuda) return config_error(on, "int8 is for CPUs alone", "use auto or fp16");
  if (name == "int8" && !at::globalContext().hasMKLDNN())
    return config_error(on, "this build of torch has no oneDNN, which multiplies int8", "use auto");
  if (name == "fp16" && !cuda)
    return config_error(on, "fp16 is for CUDA devices alone", "use auto, fp32 or bf16");
  if (name == "bf16" && !cuda && !cpu_is_fast_at_bf16())
    return config_error(
        on, "this CPU has neither AVX512-BF16 nor AMX: bf16 would be about 20 times slower than fp32",
        "use auto or fp32");
  chosen.int8 = name == "int8";
  // Between int8 layers bf16 is as good and half as wide; the row kernels have it for AVX-512.
  if (chosen.int8)
    chosen.type =
        cpu_is_fast_at_bf16() && at::get_cpu_capability() == "AVX512" ? c10::kBFloat16 : c10::kFloat;
  else if (name == "fp32")
    chosen.type = c10::kFloat;
  else if (name == "bf16")
    chosen.type = c10::kBFloat16;
  else if (name == "fp16")
    chosen.type = c10::kHalf;
  else
    return config_error(on, "there is no such precision", "use auto, fp32, bf16, int8 or fp16");
  chosen.precision_name = name;
  return chosen;
}

void finish_work(const c10::Device& on) {
  if (on.is_cuda()) torch::cuda::synchronize(on.index());
}

own_stream::own_stream(const compute_device& on) {
  if (on.device.is_cuda())
    guard_.emplace(c10::impl::VirtualGuardImpl(on.device.type()).getStreamFromGlobalPool(on.device, false));
}

}  // namespace catwalk::embed
