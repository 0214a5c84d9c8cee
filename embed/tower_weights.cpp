#include "embed/tower_weights.hpp"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "core/sha256.hpp"

namespace catwalk::embed {
namespace {

error invalid(const std::string& on, std::string why) {
  return {errc::model_invalid, "cannot use model", on, std::move(why),
          "fetch the model again, or import a CLIP or SigLIP model"};
}

std::string shape_text(at::IntArrayRef shape) {
  return nlohmann::json(shape.vec()).dump();
}

at::ScalarType scalar_type(tensor_type type) {
  switch (type) {
    case tensor_type::f64:
      return at::kDouble;
    case tensor_type::f32:
      return at::kFloat;
    case tensor_type::f16:
      return at::kHalf;
    case tensor_type::bf16:
      return at::kBFloat16;
    case tensor_type::i64:
      return at::kLong;
    case tensor_type::i32:
      return at::kInt;
    case tensor_type::i16:
      return at::kShort;
    case tensor_type::i8:
      return at::kChar;
    case tensor_type::u8:
      return at::kByte;
    case tensor_type::boolean:
      return at::kBool;
  }
  return at::kByte;
}

}  // namespace

at::Tensor as_tensor(const std::shared_ptr<const safetensors>& archive, const tensor_view& view) {
  const auto options = at::TensorOptions().dtype(scalar_type(view.type));
  if (view.data.empty()) return at::empty(view.shape, options);
  auto* data = const_cast<std::byte*>(view.data.data());
  if (reinterpret_cast<std::uintptr_t>(data) % size_of(view.type) != 0) {
    auto copy = at::empty(view.shape, options);
    std::memcpy(copy.data_ptr(), data, view.data.size());
    return copy;
  }
  return at::from_blob(
      data, view.shape, [archive](void*) {}, options);
}

tensor_map as_tensors(const std::shared_ptr<const safetensors>& archive) {
  tensor_map tensors;
  for (const auto& [name, view] : archive->tensors()) tensors[name] = as_tensor(archive, view);
  return tensors;
}

result<void> check_tensors(const tensor_map& tensors, const shape_map& shapes, const std::string& on,
                           bool finite) {
  for (const auto& [name, shape] : shapes) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) return invalid(on, "it lacks the tensor " + name);
    const auto& tensor = found->second;
    if (tensor.sizes() != at::IntArrayRef(shape))
      return invalid(on, "tensor " + name + " has shape " + shape_text(tensor.sizes()) + " where " +
                             shape_text(shape) + " is expected");
    const auto type = tensor.scalar_type();
    if (type != at::kFloat && type != at::kHalf && type != at::kBFloat16)
      return invalid(on, "tensor " + name + " is of type " + c10::toString(type) +
                             "; float, half or bfloat16 is expected");
    // The sum of x * 0 is 0 where every x is finite, and NaN otherwise.
    if (finite && at::mul(tensor, 0).sum(at::kFloat).item<float>() != 0.0F)
      return invalid(on, "tensor " + name + " holds NaN or infinite numbers");
  }
  for (const auto& [name, tensor] : tensors)
    if (!shapes.contains(name))
      return invalid(on, "it has a tensor " + name + " that this architecture does not have");
  return {};
}

std::string fingerprint_of(const nlohmann::json& description, const tensor_map& tensors) {
  sha256 hash;
  hash.update(description.dump());
  hash.update("\n");
  for (const auto& [name, tensor] : tensors) {
    hash.update(name + " " + shape_text(tensor.sizes()) + "\n");
    const auto wide = tensor.to(at::kFloat).contiguous();
    hash.update(wide.const_data_ptr(), wide.nbytes());
  }
  return to_hex(hash.finish());
}

result<void> save_tensors(const std::filesystem::path& file, const tensor_map& tensors) {
  std::map<std::string, tensor_view, std::less<>> views;
  std::vector<at::Tensor> kept;
  for (const auto& [name, tensor] : tensors) {
    kept.push_back(tensor.contiguous());
    const auto& t = kept.back();
    const auto type = t.scalar_type() == at::kHalf       ? tensor_type::f16
                      : t.scalar_type() == at::kBFloat16 ? tensor_type::bf16
                                                         : tensor_type::f32;
    views[name] = {type, t.sizes().vec(), {static_cast<const std::byte*>(t.const_data_ptr()), t.nbytes()}};
  }
  return write_safetensors(file, views);
}

result<tensor_map> load_tensors(const std::filesystem::path& file, const shape_map& shapes) {
  auto opened = safetensors::open_file(file);
  if (!opened) return opened.error();
  auto tensors = as_tensors(std::make_shared<const safetensors>(std::move(*opened)));
  if (auto ok = check_tensors(tensors, shapes, file.string(), false); !ok) return ok.error();
  return tensors;
}

}  // namespace catwalk::embed
