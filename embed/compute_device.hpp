#pragma once
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>
#include <c10/core/StreamGuard.h>

#include <optional>
#include <string>

#include "core/error.hpp"

namespace catwalk::embed {

/// Where forward passes run, and in which numbers.
struct compute_device {
  c10::Device device{c10::kCPU};
  c10::ScalarType type = c10::kFloat;
  std::string device_name;     ///< as provenance has it: "cpu", "cuda:0"
  std::string precision_name;  ///< "fp32", "bf16", "fp16", "int8"
  bool int8 = false;           ///< linear layers of the blocks in int8, all else in `type`

  /// The same device with everything in `type`, for what has no int8 layers.
  compute_device without_int8() const;
};

/// True where the CPU multiplies bfloat16 in hardware (AVX512-BF16 or AMX) and oneDNN is not held back by
/// ONEDNN_MAX_CPU_ISA. Elsewhere bf16 works, about 20 times slower than fp32.
bool cpu_is_fast_at_bf16();

/// True where the CPU multiplies bytes and adds up four products in 32 bits (VNNI) and oneDNN is not held
/// back.
bool cpu_has_byte_dot_products();

/// `device`: auto | cpu | cuda | cuda:N; `precision`: auto | fp32 | bf16 | int8 | fp16. auto is CUDA where
/// there is a GPU; fp16 on CUDA, bf16 where the CPU is fast at it, else fp32. Errors: `device` (no such GPU),
/// `invalid_config` (a precision that the device cannot do, or cannot do fast).
result<compute_device> choose_device(const std::string& device, const std::string& precision);

/// Waits until a GPU has done all that was sent to it. Nothing on a CPU. Throws what torch throws.
void finish_work(const c10::Device& on);

/// While it lives, the calling thread's work on a GPU has a stream of its own, so that threads do not wait
/// for each other's passes. Nothing on a CPU. A stream waits for no other: what it reads must be there
/// before.
class own_stream {
 public:
  explicit own_stream(const compute_device& on);

 private:
  std::optional<c10::StreamGuard> guard_;
};

}  // namespace catwalk::embed
