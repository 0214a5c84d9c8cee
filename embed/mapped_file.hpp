#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "core/error.hpp"

namespace catwalk::embed {

/// A whole file mapped read-only. The view lives as long as the object; share it by shared_ptr.
class mapped_file {
 public:
  /// Errors: `model_missing` when there is no such file, `io` otherwise.
  static result<std::shared_ptr<const mapped_file>> open(const std::filesystem::path& path);
  ~mapped_file();
  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;

  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  mapped_file(std::filesystem::path path, const std::byte* data, std::size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  std::filesystem::path path_;
  const std::byte* data_;
  std::size_t size_;
};

}  // namespace catwalk::embed
