#pragma once
#include <optional>
#include <string_view>

#include "storage/catalogue.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// What read_run() and read_slot() expect at the start of a query over `runs`.
inline constexpr std::string_view run_columns =
    "select id, job, started, finished, state, counts, errors, slot from runs ";

run_summary read_run(const sqlite::statement& row);
std::optional<wall_time> read_slot(const sqlite::statement& row);

/// The state as the database has it. An unknown name is a `failed` run.
std::string_view name_of(run_state state) noexcept;
run_state run_state_named(std::string_view name) noexcept;

}  // namespace catwalk::storage
