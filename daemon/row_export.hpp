#pragma once
#include <filesystem>
#include <string>

#include "core/embedding.hpp"
#include "core/error.hpp"
#include "core/product.hpp"
#include "storage/layout.hpp"

namespace catwalk::daemon {

/// Rows in a file that appears whole or not at all: written beside it, synced, renamed. Its ending says how:
/// `.jsonl` as JSON lines, `.csv` as RFC 4180 with a line of names, as the sink of kind file writes them.
class row_export {
 public:
  /// Whether rows can be written there: for before a run, whose rows are written at its end. Leaves nothing
  /// behind. Errors: `invalid_argument` for an ending that is neither, `io`, `disk_full`.
  static result<void> check(const std::filesystem::path& target);
  /// `layout`: the name of one, or auto. Errors: as check().
  static result<row_export> open(std::filesystem::path target, const std::string& layout);
  ~row_export();
  row_export(row_export&& other) noexcept;
  row_export& operator=(row_export&&) = delete;

  /// `vector` may be null.
  result<void> write(const product& item, const embedding* vector);
  /// Makes the file appear under its name.
  result<void> finish();

 private:
  row_export(std::filesystem::path target, storage::layout layout)
      : target_(std::move(target)), layout_(std::move(layout)) {}
  bool is_csv() const { return target_.extension() == ".csv"; }
  result<void> append(const std::string& text);
  error failure(const char* why) const;

  std::filesystem::path target_, temporary_;
  storage::layout layout_;
  int descriptor_ = -1;
};

}  // namespace catwalk::daemon
