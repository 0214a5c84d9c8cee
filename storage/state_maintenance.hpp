#pragma once
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "storage/state_database.hpp"

namespace catwalk::storage {

/// The state database's file. Errors: `not_found` (nothing was ever kept there), `io`.
result<std::filesystem::path> find_state(const std::filesystem::path& state_dir);

/// Copies the state database into `to` with SQLite's online backup, also while a daemon writes to it, and
/// checks the copy. The file appears under its name when it is whole, readable by its owner alone. Blocks.
/// Errors: `not_found`, `invalid_argument` (the file exists), `state_damaged`, `disk_full`, `io`.
result<void> back_up_state(const std::filesystem::path& state_dir, const std::filesystem::path& to);

/// Puts a backup in place of the state database, which is kept beside it. Checks the backup first; takes the
/// folder's lock. Returns where the database before went, empty where there was none. Blocks. Errors:
/// `state_locked`, `not_found`, `state_damaged`, `state_newer`, `disk_full`, `io`.
result<std::filesystem::path> restore_state(const std::filesystem::path& from,
                                            const std::filesystem::path& state_dir);

/// What a check of the state database found.
struct state_findings {
  std::int64_t products = 0;
  std::int64_t vectors = 0;           ///< whose CRC32C was computed anew
  std::vector<std::string> problems;  ///< one line each; empty: all is well. At most 100
};
/// Reads all of it: SQLite's integrity check, which misses most flipped bits in values, and the CRC32C of
/// every vector. Works beside a daemon. Blocks. Errors: `not_found`, `state_damaged` (it cannot be read).
result<state_findings> check_state(const std::filesystem::path& state_dir);

/// How long things are kept (`retention`).
struct retention_limits {
  std::chrono::milliseconds runs{}, failures{}, gone_products{};
};
/// How many rows left.
struct pruned_rows {
  std::int64_t runs = 0, failures = 0, products = 0, images = 0, texts = 0, pages = 0, events = 0;
  std::int64_t copies = 0;  ///< files: copies of the database
  std::int64_t sum() const noexcept {
    return runs + failures + products + images + texts + pages + events + copies;
  }
};
/// Deletes what is older than its limit, some hundred rows in each transaction, so that others get their
/// turn: ended runs, dead letters, products that are gone and have no row on its way to the sink, pictures
/// that no product shows, vectors of texts that none has, pages that no run asked for, changes of prices (the
/// limit of `gone_products`). Of the copies made before migrations, and of those before restores, the latest
/// stays. Errors: those of the database, `io`.
boost::asio::awaitable<result<pruned_rows>> prune_state(std::shared_ptr<state_database> db,
                                                        retention_limits limits, wall_time now);

}  // namespace catwalk::storage
