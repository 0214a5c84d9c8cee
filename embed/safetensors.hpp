#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "embed/mapped_file.hpp"

namespace catwalk::embed {

/// Element types of the safetensors format that catwalk reads.
enum class tensor_type { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

std::size_t size_of(tensor_type type) noexcept;
/// The format's own name: "F32".
std::string_view name_of(tensor_type type) noexcept;

/// One tensor: row-major elements, little-endian, not necessarily aligned for their type.
struct tensor_view {
  tensor_type type = tensor_type::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;
};

/// The tensors of one safetensors file, or of the shards that `model.safetensors.index.json` lists.
/// Memory-mapped: the views live as long as the archive (or a copy of `keep_alive`).
///
/// The format (https://github.com/huggingface/safetensors): 8 bytes header length (little-endian), a JSON
/// object `name -> {dtype, shape, data_offsets: [begin, end]}`, then the bytes. As the reference reader does,
/// this one demands that the tensors cover the bytes exactly, without holes or overlaps; the header is at
/// most 100 MB.
class safetensors {
 public:
  /// Errors: `model_missing`, `io`, and `model_invalid` naming the file, the tensor, what is wrong and what
  /// to do.
  static result<safetensors> open_file(const std::filesystem::path& file);
  /// `index` is a `*.safetensors.index.json`; shards lie beside it.
  static result<safetensors> open_sharded(const std::filesystem::path& index);

  const std::map<std::string, tensor_view, std::less<>>& tensors() const noexcept { return tensors_; }
  /// Where the tensors came from, for errors.
  const std::filesystem::path& path() const noexcept { return path_; }
  std::vector<std::shared_ptr<const mapped_file>> keep_alive() const { return files_; }

 private:
  result<void> add(const std::filesystem::path& file);

  std::filesystem::path path_;
  std::map<std::string, tensor_view, std::less<>> tensors_;
  std::vector<std::shared_ptr<const mapped_file>> files_;
};

/// Writes `tensors` in the order of their names, with the data aligned to 8 bytes, and syncs the file.
/// Errors: `io`, `disk_full`.
result<void> write_safetensors(const std::filesystem::path& file,
                               const std::map<std::string, tensor_view, std::less<>>& tensors);

}  // namespace catwalk::embed
