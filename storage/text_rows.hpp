#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/embedding.hpp"
#include "core/error.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// The vector of the text with this SHA-256; nullopt without one. `state_damaged` when its checksum does not
/// match.
result<std::optional<embedding>> read_text_vector(sqlite::connection& db, std::string_view hash);

void write_text_vector(sqlite::connection& db, std::string_view hash, const embedding& vector, wall_time now);

/// Tells one vector of a text from another, for `products.sink_text`; nullopt where the text has none of the
/// tower `fingerprint`.
std::optional<std::string> text_mark(sqlite::connection& db, std::string_view hash,
                                     std::string_view fingerprint);

}  // namespace catwalk::storage
