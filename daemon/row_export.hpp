#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/embedding.hpp"
#include "core/error.hpp"
#include "core/product.hpp"

namespace catwalk::daemon {

/// Rows as JSON lines in a file that appears whole or not at all: written beside it, synced, renamed.
class row_export {
 public:
  /// Errors: `io`, `disk_full`.
  static result<row_export> open(std::filesystem::path target, std::string layout);
  ~row_export();
  row_export(row_export&& other) noexcept;
  row_export& operator=(row_export&&) = delete;

  /// `vector` may be null.
  result<void> write(const product& item, const embedding* vector);
  /// Makes the file appear under its name.
  result<void> finish();
  std::size_t rows() const noexcept { return rows_; }

 private:
  row_export(std::filesystem::path target, std::string layout)
      : target_(std::move(target)), layout_(std::move(layout)) {}
  error failure(const char* why) const;

  std::filesystem::path target_, temporary_;
  std::string layout_;
  int descriptor_ = -1;
  std::size_t rows_ = 0;
};

}  // namespace catwalk::daemon
