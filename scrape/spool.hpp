#pragma once
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace catwalk::scrape {

/// Bytes that are put aside in a nameless temporary file: large documents are read from it piece by piece, so
/// that memory holds none of them whole. Appending and reading take turns, from one thread at a time.
class spool {
 public:
  /// In the system's folder for temporary files.
  static result<spool> open();

  /// `disk_full` or `io` where the file cannot take it.
  result<void> append(std::string_view bytes);
  /// Forgets everything: what comes is another attempt.
  void clear();
  /// The bytes from `offset` on, at most `count`; empty at the end.
  result<std::string> read(std::size_t offset, std::size_t count) const;
  std::size_t size() const noexcept { return size_; }

 private:
  struct closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, closer> file_;
  std::size_t size_ = 0;
};

}  // namespace catwalk::scrape
