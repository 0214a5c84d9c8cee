#pragma once
#include <filesystem>
#include <span>
#include <string_view>

#include "core/error.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// `pragma application_id` of a state database: "catw".
inline constexpr int state_application_id = 0x63617477;

/// The steps from an empty database to the present one; step N leads to `user_version` N + 1. A step that was
/// released never changes.
std::span<const std::string_view> state_migrations();

/// Brings the database up to the last of `steps`, one transaction per step. Before each step a database that
/// already has a version is copied to `<file>.before-vN`. Errors: `state_newer`, `state_damaged` (not a state
/// database), `database`, `disk_full`.
result<void> migrate(sqlite::connection& db, const std::filesystem::path& file,
                     std::span<const std::string_view> steps);

}  // namespace catwalk::storage
