#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/id.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// The `sink` column of the outbox: a configuration has one sink.
inline constexpr std::string_view the_sink = "main";

/// What of a row is due.
enum outbox_part : int { fields_part = 1, vector_part = 2, text_part = 4 };

/// Puts a product into the outbox inside the caller's transaction, or adds the parts to the row that waits
/// there already, and those of its last dead letter, which never came to the sink; the row gets a new `seq`
/// either way. `held`: not due before its image is ready or has failed once. Tries and the next try of a row
/// stay, so that a change does not overtake a request whose outcome is unknown.
void enqueue_upsert(sqlite::connection& db, const product_id& key, int parts, bool held, wall_time now);

struct due_upsert {
  product_id key;
  int parts = 0;
  bool held = false;
};
/// As enqueue_upsert() for each of them, in their order.
void enqueue_upserts(sqlite::connection& db, const std::vector<due_upsert>& rows, wall_time now);

/// Puts the removal of a product's row into the outbox; what waits there for it is given up. A row that
/// another product has taken over stays. Its text's
/// vector is gone from the sink with it.
void enqueue_delete(sqlite::connection& db, const product_id& key, wall_time now);

/// Makes due what was held for this image.
void release_held(sqlite::connection& db, std::string_view image_url);

}  // namespace catwalk::storage
