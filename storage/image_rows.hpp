#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/embedding.hpp"
#include "core/error.hpp"
#include "storage/catalogue.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// What `images` says of an address, without its vector.
struct image_status {
  bool has_vector = false;
  std::string fingerprint;
  std::int64_t crc32c = 0;
  int attempts = 0;  ///< failed tries since the last vector
  std::optional<std::int64_t> next_try;
  std::int64_t checked = 0;  ///< when it was last asked for with success, ms since the epoch

  /// True when there is a vector that counts as made by the tower `wanted` (any, when that is empty). A
  /// vector that was adopted from the sink stays current.
  bool current(std::string_view wanted) const noexcept;
  /// Tells one vector from another, for `products.sink_vector`.
  std::string mark(std::string_view url) const;
};

image_status find_image(sqlite::connection& db, std::string_view url);

/// The vector of an address; nullopt without one. `state_damaged` when its checksum does not match.
result<std::optional<embedding>> read_vector(sqlite::connection& db, std::string_view url);

void write_vector(sqlite::connection& db, const vector_commit& image, wall_time now);
void write_confirmation(sqlite::connection& db, const image_confirmation& image, wall_time now);
void write_image_failure(sqlite::connection& db, const image_failure& failure);

/// A count that changes whenever what `nearest` searches may have changed.
std::int64_t vectors_version(sqlite::connection& db);
void bump_vectors_version(sqlite::connection& db);

}  // namespace catwalk::storage
