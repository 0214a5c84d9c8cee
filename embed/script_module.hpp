#pragma once
#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "embed/compute_device.hpp"
#include "embed/tower_weights.hpp"

namespace catwalk::embed {

/// A TorchScript archive that somebody else made, as an image tower: its `forward` takes fp32
/// [batch, 3, size, size], normalised with the tower's mean and deviation, and gives fp32 [batch, dim]. It
/// runs in fp32; weights in fp16 and bf16 are widened. `forward` may be called from several threads at once.
class script_module {
 public:
  /// Reads the archive; of its program only what unpacks it runs. Errors: `model_missing`, `model_invalid`
  /// (torch's own words; a program that reads or writes files; packed weights, as of a quantised module).
  /// `on`: where all that it holds lies, the program's constants too; a failure there is `device`.
  static result<script_module> open(const std::filesystem::path& file, const c10::Device& on = c10::kCPU);
  ~script_module();
  script_module(script_module&&) noexcept;
  script_module& operator=(script_module&&) noexcept;

  /// Every tensor that it holds by its place in the module ("visual.conv1.weight", "layers.0.1"), as it was
  /// stored.
  const tensor_map& tensors() const noexcept;
  /// SHA-256 over what it is beside these tensors: its source text, the constants in it, and its other
  /// attributes. Part of the fingerprint.
  const std::string& program_sha256() const noexcept;

  /// Looks at the signature and runs two pictures of noise through it. Errors: `model_invalid`, saying what
  /// came out: another signature, another shape than [batch, dim], another type, numbers that are not finite,
  /// a batch that it does not take, a vector that depends on the other pictures of its batch.
  result<void> try_out(const vision_tower& tower) const;

  /// Leaves them to the module alone: what is not in use is freed.
  void drop_tensors();

  /// uint8 [batch, 3, size, size], planar RGB, on the module's device -> fp32 [batch, dim] on that device,
  /// scaled to length 1 where the tower normalises. Throws what torch throws.
  at::Tensor forward(const at::Tensor& pixels, const vision_tower& tower) const;

 private:
  struct impl;
  explicit script_module(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

/// Its fingerprint's part: the tensors by place, and in `tower` the program. Errors: as of `open`, and
/// `model_invalid` where the program is another than `tower` says (unless it says none).
result<vision_weights> script_weights(const std::filesystem::path& file, vision_tower tower);

}  // namespace catwalk::embed
