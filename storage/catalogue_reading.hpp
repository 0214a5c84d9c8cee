#pragma once
#include <string>
#include <vector>

#include "storage/catalogue.hpp"
#include "storage/layout.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// The columns that `read_entry` expects, from `products p left join images i on i.url = p.image_url`.
inline constexpr std::string_view entry_columns =
    "p.fields, p.endpoint_index, p.vector_state, p.vector_url, i.last_error, p.first_seen, p.last_seen, "
    "p.gone_at";

/// The entry at the statement's row, with its vector. `state_damaged` as read_vector.
result<catalogue_entry> read_entry(sqlite::connection& db, const sqlite::statement& row);

/// How a product that was read compares with what is stored: with the row that stands for it, where that was
/// adopted, as the table of the layout `wanted` keeps it.
comparison compare_with_stored(sqlite::connection& db, const product& p, const layout::settings& wanted);

}  // namespace catwalk::storage
