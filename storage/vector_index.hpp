#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "storage/catalogue.hpp"
#include "storage/quantised_matrix.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// Exact nearest neighbours over the vectors of one tower: a matrix of 8-bit numbers in memory, read from the
/// database when the vectors have changed since, and the vectors themselves, from the database, where the
/// matrix cannot tell (see quantised_matrix). Thread-safe; searches go on side by side, and wait while one of
/// them reads the matrix anew.
///
/// While a run embeds, the vectors change all the time. So a matrix serves for ten times as long as it took
/// to read: what came meanwhile is not found until then, and what is gone is left out all the same.
class vector_index {
 public:
  /// `most_bytes`: what the matrix may take (`search.memory`).
  explicit vector_index(std::uint64_t most_bytes, std::function<steady_time()> now = steady_now)
      : most_bytes_(most_bytes), now_(std::move(now)) {}

  /// The `k` products nearest to `query` by cosine, best first, equal ones by their number. Errors:
  /// `invalid_argument` (a query of another width or of length zero), `invalid_config` (more vectors than
  /// `most_bytes` holds). `among`: the numbers of the products that may be found, sorted; nullptr: all.
  result<std::vector<neighbour>> search(sqlite::connection& db, const std::vector<float>& query, int k,
                                        const std::string& fingerprint, const std::optional<site_name>& site,
                                        const std::vector<std::int64_t>* among = nullptr);

 private:
  struct matrix {
    std::int64_t version = -1;
    std::string fingerprint;
    std::optional<quantised_matrix> values;
    std::vector<std::int64_t> products;  ///< [rows] `products.number`, ascending
    std::vector<int> sites;              ///< [rows] into `site_names`
    std::vector<std::string> site_names;
    std::optional<error> refused;  ///< it would not fit
    steady_time serves_until{};    ///< also where the vectors have changed
  };
  struct scored {
    double score;
    std::int64_t product;
  };
  /// A row whose interval reaches into the best.
  struct candidate {
    float highest;  ///< its cosine is no higher
    std::uint32_t row;
  };
  bool is_current(std::int64_t version, const std::string& fingerprint) const;
  void load_anew(sqlite::connection& db, const std::string& fingerprint, std::int64_t version);
  void load(sqlite::connection& db, const std::string& fingerprint, std::int64_t version);
  bool has_room_for_one_more() const;
  /// The rows that may be among the best `k`, the most promising first.
  std::vector<candidate> look(const quantised_matrix::query& query, std::size_t k, int site,
                              const std::vector<std::int64_t>* among) const;
  std::vector<scored> score(sqlite::connection& db, const std::vector<float>& query, std::size_t k,
                            const std::vector<candidate>& candidates) const;

  const std::uint64_t most_bytes_;
  const std::function<steady_time()> now_;
  std::shared_mutex mutex_;  ///< held shared while the matrix is read
  matrix matrix_;
};

}  // namespace catwalk::storage
