#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/error.hpp"

namespace catwalk::storage {

struct state_options {
  std::filesystem::path dir;
  std::uint64_t min_free = 256'000'000;  ///< bytes; below it `intake_paused()` is true
  bool read_only = false;                ///< takes no lock; for commands beside a daemon
  int reader_connections = 2;
};

/// The state folder: `catwalk.sqlite3` in WAL mode (synchronous=FULL), its lock file, its ballast file. One
/// writer thread that commits what is queued as one transaction (group commit; where an operation fails, the
/// others are done again without it), and read-only connections. All else in storage/ works through it.
class state_database {
 public:
  /// Errors: `state_locked` (naming the process that holds it), `state_newer`, `state_damaged`, `disk_full`,
  /// `io`.
  static result<std::shared_ptr<state_database>> open(const state_options& options);
  ~state_database();

  const std::filesystem::path& dir() const noexcept;
  /// True while free disk is below `min_free`.
  bool intake_paused() const noexcept;
  /// Finishes queued writes, checkpoints the WAL and joins the threads. Blocks.
  void close();

  class impl;
  impl& internals() noexcept { return *impl_; }

 private:
  explicit state_database(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace catwalk::storage
