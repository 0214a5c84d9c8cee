#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace catwalk::storage {

/// Rows in a file, one for each key: what is added is durable at once, in a journal beside the file
/// (`FILE.journal`, JSON lines); settle() brings the file up to date, whole or not at all. Formats by the
/// file's ending:
/// - `.jsonl`: one object a line.
/// - `.csv`: RFC 4180 with a header; lists and objects as JSON, a vector as `[0.1,…]`.
/// - `.npy`: the vectors alone, float32 [rows, width], and beside it `FILE.ids.txt`, the key of each row on a
/// line. For the last two the rows themselves are kept in `FILE.jsonl`. Blocks; not thread-safe.
class row_file {
 public:
  struct form {
    std::vector<std::string> columns;  ///< in the order of CSV
    std::vector<std::string> key;
    std::string vector;  ///< the vector's column; empty: none
  };
  row_file(std::filesystem::path file, form f);

  /// Lines of JSON; an object with `"deleted": true` removes its key, any other is laid over what is there,
  /// so that a row without its vector keeps the one it had. Errors: `io`, `disk_full`.
  result<void> add(const std::string& lines);
  /// Errors: `io`, `disk_full`, `malformed` (a line of the file that is no row).
  result<void> settle();
  /// Something was added that settle() has not taken in.
  bool unsettled() const;

 private:
  class rows;
  result<void> replace(const std::filesystem::path& target, rows& all,
                       void (row_file::*write)(rows&, int&, int) const) const;
  void write_jsonl(rows& all, int& problem, int descriptor) const;
  void write_csv(rows& all, int& problem, int descriptor) const;
  void write_npy(rows& all, int& problem, int descriptor) const;
  void write_ids(rows& all, int& problem, int descriptor) const;
  error failure(const std::filesystem::path& file, int problem) const;

  std::filesystem::path file_, store_, journal_;
  form form_;
};

}  // namespace catwalk::storage
