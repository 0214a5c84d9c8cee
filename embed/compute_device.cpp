#include "embed/compute_device.hpp"

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

/// Whether oneDNN was told to stay below the instruction sets that know bfloat16 (the names that its
/// developer guide lists under "CPU dispatcher control").
bool onednn_is_capped() {
  const char* value = std::getenv("ONEDNN_MAX_CPU_ISA");
  if (value == nullptr) value = std::getenv("DNNL_MAX_CPU_ISA");
  if (value == nullptr) return false;
  std::string isa = value;
  std::transform(isa.begin(), isa.end(), isa.begin(), [](unsigned char c) { return std::toupper(c); });
  return isa == "SSE41" || isa.starts_with("AVX2") || isa == "AVX" || isa == "AVX512_CORE" ||
         isa == "AVX512_CORE_VNNI";
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
  if (index >= static_cast<int>(torch::cuda::device_count()))
    return error{errc::device, "cannot use device", text,
                 "there are " + std::to_string(torch::cuda::device_count()) + " CUDA devices",
                 "use a lower number; the first is cuda:0"};
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace

bool cpu_is_fast_at_bf16() {
  static const bool fast = !onednn_is_capped() && has_bf16_instructions();
  return fast;
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
  if (name == "int8")
    return config_error(on, "int8 is not supported yet by this version", "use auto, fp32 or bf16");
  if (name == "fp16" && !cuda)
    return config_error(on, "fp16 is for CUDA devices alone", "use auto, fp32 or bf16");
  if (name == "bf16" && !cuda && !cpu_is_fast_at_bf16())
    return config_error(
        on, "this CPU has neither AVX512-BF16 nor AMX: bf16 would be about 20 times slower than fp32",
        "use auto or fp32");
  if (name == "fp32")
    chosen.type = c10::kFloat;
  else if (name == "bf16")
    chosen.type = c10::kBFloat16;
  else if (name == "fp16")
    chosen.type = c10::kHalf;
  else
    return config_error(on, "there is no such precision", "use auto, fp32, bf16 or fp16");
  chosen.precision_name = name;
  return chosen;
}

}  // namespace catwalk::embed
