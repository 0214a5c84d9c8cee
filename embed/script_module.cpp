#include "embed/script_module.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <algorithm>
#include <array>
#include <exception>
#include <sstream>
#include <string_view>
#include <utility>

#include "core/sha256.hpp"
#include "core/thrown.hpp"
#include "embed/script_archive.hpp"

namespace catwalk::embed {
namespace {

namespace fs = std::filesystem;

error invalid(const fs::path& on, std::string why, std::string hint = {}) {
  return {errc::model_invalid, "cannot use TorchScript module", on.string(), std::move(why),
          hint.empty() ? "export it again from the library that made it" : std::move(hint)};
}

std::string shape_of(const at::Tensor& t) {
  std::ostringstream text;
  text << t.sizes();
  return text.str();
}

/// Finds what a module holds: tensors by their place, and everything else as a text that tells it from
/// others.
class inventory {
 public:
  /// Throws std::invalid_argument for what cannot be looked into.
  void add(const std::string& at, const c10::IValue& value, int depth = 0) {
    constexpr int deepest = 100;
    if (++depth > deepest) throw std::invalid_argument("its parts lie within each other without an end");
    if (value.isTensor()) {
      add_tensor(at, value.toTensor());
    } else if (value.isObject()) {
      const auto object = value.toObject();
      const auto type = object->type();
      for (std::size_t i = 0; i < type->numAttributes(); ++i)
        add(join(at, type->getAttributeName(i)), object->getSlot(i), depth);
    } else if (value.isList()) {
      const auto list = value.toListRef();
      for (std::size_t i = 0; i < list.size(); ++i) add(join(at, std::to_string(i)), list[i], depth);
    } else if (value.isTuple()) {
      const auto& parts = value.toTupleRef().elements();
      for (std::size_t i = 0; i < parts.size(); ++i) add(join(at, std::to_string(i)), parts[i], depth);
    } else if (value.isGenericDict()) {
      for (const auto& entry : value.toGenericDict()) {
        std::ostringstream key;
        key << entry.key();
        add(join(at, key.str()), entry.value(), depth);
      }
    } else if (value.isInt() || value.isDouble() || value.isBool() || value.isString() || value.isNone() ||
               value.isDevice()) {
      std::ostringstream text;
      text.precision(17);
      text << value;
      others_ += at + " " + value.tagKind() + " " + text.str() + "\n";
    } else {
      throw std::invalid_argument("it holds a " + value.tagKind() + " at " + at +
                                  ", as quantised modules do, which catwalk does not look into");
    }
  }

  tensor_map tensors_;
  std::string others_;

 private:
  static std::string join(const std::string& at, const std::string& name) {
    return at.empty() ? name : at + "." + name;
  }

  void add_tensor(const std::string& at, const at::Tensor& t) {
    const bool plain = t.defined() && t.layout() == c10::kStrided && !t.is_quantized() &&
                       (at::isFloatingType(t.scalar_type()) || at::isIntegralType(t.scalar_type(), true));
    if (t.defined() && !plain)
      throw std::invalid_argument("its tensor " + at + " is of the type " + c10::toString(t.scalar_type()) +
                                  ", which catwalk does not look into");
    if (plain) tensors_[at] = t.detach();
  }
};

/// A program can ask torch to read and write files: no image tower needs to.
constexpr std::array<std::string_view, 4> forbidden{"torch.save(", "torch.from_file(", "aten.save(",
                                                    "aten.from_file("};

/// The source text and the constants in it. Throws what torch throws, and std::invalid_argument.
void hash_program(const fs::path& file, sha256& hash) {
  caffe2::serialize::PyTorchStreamReader reader(file.string());
  auto names = reader.getAllRecords();
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    const bool source = name.starts_with("code/") && name.ends_with(".py");
    if (!source && !name.starts_with("constants/") && name != "constants.pkl") continue;
    const auto [data, size] = reader.getRecord(name);
    const std::string_view bytes(static_cast<const char*>(data.get()), size);
    if (source)
      for (const auto call : forbidden)
        if (bytes.find(call) != std::string_view::npos)
          throw std::invalid_argument("its program calls " + std::string(call.substr(0, call.size() - 1)) +
                                      ", which reads or writes files");
    hash.update(name + " " + std::to_string(size) + "\n");
    hash.update(bytes);
  }
}

/// The one tensor that `forward` takes and the one that it gives. Empty: as it should be.
std::string signature_problem(const torch::jit::Module& module) {
  const auto method = module.find_method("forward");
  if (!method) return "it has no method `forward`";
  const auto& schema = method->function().getSchema();
  std::string taken;
  std::size_t needed = 0;
  for (std::size_t i = 1; i < schema.arguments().size(); ++i) {
    const auto& argument = schema.arguments()[i];
    taken += (taken.empty() ? "" : ", ") + argument.name() + ": " + argument.type()->annotation_str();
    if (!argument.default_value()) ++needed;
  }
  const bool first =
      schema.arguments().size() > 1 && schema.arguments()[1].type()->kind() == c10::TypeKind::TensorType;
  if (needed > 1 || !first) return "its `forward` takes (" + taken + "), not one batch of pictures";
  if (schema.returns().size() != 1 || schema.returns()[0].type()->kind() != c10::TypeKind::TensorType) {
    const auto given = schema.returns().empty() ? "nothing" : schema.returns()[0].type()->annotation_str();
    return "its `forward` gives " + given + ", not one tensor";
  }
  return {};
}

at::Tensor channels(const std::array<double, 3>& values, const at::Device& on) {
  const std::array<float, 3> narrow{static_cast<float>(values[0]), static_cast<float>(values[1]),
                                    static_cast<float>(values[2])};
  return at::tensor(at::ArrayRef<float>(narrow), at::kFloat).to(on).view({1, 3, 1, 1});
}

}  // namespace

struct script_module::impl {
  fs::path file;
  mutable torch::jit::Module module;
  tensor_map tensors;
  std::string program_sha256;

  /// What the module makes of pictures [batch, 3, size, size], as it is.
  at::Tensor run(const at::Tensor& pixels, const vision_tower& tower) const {
    // The order of torchvision's ToTensor and Normalize.
    auto x = pixels.to(at::kFloat).div_(255);
    x.sub_(channels(tower.mean, x.device())).div_(channels(tower.std, x.device()));
    return module.forward({x}).toTensor();
  }

  /// The arithmetic follows the pictures, which are fp32.
  void widen() {
    const auto widened = [](at::Tensor t) {
      if (at::isFloatingType(t.scalar_type()) && t.scalar_type() != at::kFloat)
        t.set_data(t.detach().to(at::kFloat));
    };
    for (const auto& t : module.parameters()) widened(t);
    for (const auto& t : module.buffers()) widened(t);
  }
};

script_module::script_module(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
script_module::~script_module() = default;
script_module::script_module(script_module&&) noexcept = default;
script_module& script_module::operator=(script_module&&) noexcept = default;

result<script_module> script_module::open(const fs::path& file, const c10::Device& on) {
  if (auto ok = check_script_archive(file); !ok) return ok.error();
  auto i = std::make_unique<impl>();
  i->file = file;
  try {
    sha256 program;
    hash_program(file, program);
    // As embed/module_builder.cpp says: batches vary in size.
    torch::jit::getProfilingMode() = false;
    // Here, not by Module::to afterwards, which leaves the program's constants, and tensors that are plain
    // attributes, where they are.
    i->module = torch::jit::load(file.string(), on);
    i->module.eval();
    inventory found;
    found.add("", i->module._ivalue());
    program.update(found.others_);
    i->program_sha256 = to_hex(program.finish());
    i->tensors = std::move(found.tensors_);
    i->widen();
    finish_work(on);
  } catch (const std::invalid_argument& e) {
    return invalid(file, e.what());
  } catch (const std::exception& e) {
    if (!on.is_cpu())
      return with_cause({errc::device, "cannot load the TorchScript module on the device", on.str(), "",
                         "try embed.device: cpu"},
                        e);
    return invalid(file, "torch cannot read it: " + in_short(e));
  }
  return script_module(std::move(i));
}

const tensor_map& script_module::tensors() const noexcept {
  return impl_->tensors;
}

const std::string& script_module::program_sha256() const noexcept {
  return impl_->program_sha256;
}

void script_module::drop_tensors() {
  impl_->tensors.clear();
}

at::Tensor script_module::forward(const at::Tensor& pixels, const vision_tower& tower) const {
  auto vectors = impl_->run(pixels, tower).to(at::kFloat);
  if (!tower.normalise) return vectors.contiguous();
  return vectors / at::norm(vectors, 2, {-1}, true).clamp_min(1e-12);
}

result<void> script_module::try_out(const vision_tower& tower) const {
  const auto& file = impl_->file;
  if (const auto problem = signature_problem(impl_->module); !problem.empty())
    return invalid(
        file, problem,
        "export a module whose forward takes fp32 [batch, 3, size, size] and gives fp32 [batch, dim]");
  const c10::InferenceMode inference;
  const auto random = at::make_generator<at::CPUGeneratorImpl>(1);
  const auto pictures = at::randint(0, 256, {2, 3, tower.image_size, tower.image_size}, random, at::kByte);
  at::Tensor alone;
  for (const std::int64_t count : {1, 2}) {
    const auto given = pictures.narrow(0, 0, count);
    at::Tensor vectors;
    try {
      vectors = impl_->run(given, tower);
    } catch (const std::exception& e) {
      const auto why = "it fails on fp32 pictures of " + shape_of(given) + ": " + in_short(e);
      return count == 1
                 ? invalid(file, why,
                           "check --image-size; a module that computes in half precision is exported "
                           "again in fp32")
                 : invalid(file, why,
                           "one picture it takes, two it does not: export it without a fixed batch size");
    }
    if (!at::isFloatingType(vectors.scalar_type()))
      return invalid(file,
                     std::string("its numbers are of the type ") + c10::toString(vectors.scalar_type()));
    if (vectors.sizes() != at::IntArrayRef({count, tower.dim}))
      return invalid(file,
                     "for pictures of " + shape_of(given) + " it gives " + shape_of(vectors) + " where [" +
                         std::to_string(count) + ", " + std::to_string(tower.dim) + "] is expected",
                     "--dim is the width of its vectors");
    if (!at::isfinite(vectors).all().item<bool>())
      return invalid(file, "it gives numbers that are not finite");
    if (count == 1) alone = vectors;
    const auto same = at::cosine_similarity(alone[0].to(at::kDouble), vectors[0].to(at::kDouble), 0);
    constexpr double enough = 0.9999;
    if (same.item<double>() < enough)
      return invalid(file, "a picture's vector depends on the other pictures of its batch",
                     "export it in evaluation mode (module.eval())");
  }
  return {};
}

result<vision_weights> script_weights(const fs::path& file, vision_tower tower) {
  auto opened = script_module::open(file);
  if (!opened) return opened.error();
  if (!tower.program_sha256.empty() && tower.program_sha256 != opened->program_sha256())
    return invalid(file, "its program is not the one that was imported",
                   "remove the model and import it again");
  tower.program_sha256 = opened->program_sha256();
  return vision_weights{std::move(tower), opened->tensors()};
}

}  // namespace catwalk::embed
