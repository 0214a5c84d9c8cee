#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/catalogue.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// Exact nearest neighbours over the vectors of one tower: a matrix in memory, read from the database when
/// the vectors have changed since. Thread-safe; one search at a time reads the matrix anew, others use what
/// is there.
class vector_index {
 public:
  /// The `k` products nearest to `query` by cosine, best first. Errors: `invalid_argument` (a query of
  /// another width or of length zero). `among`: the numbers of the products that may be found, sorted;
  /// nullptr: all.
  result<std::vector<neighbour>> search(sqlite::connection& db, const std::vector<float>& query, int k,
                                        const std::string& fingerprint, const std::optional<site_name>& site,
                                        const std::vector<std::int64_t>* among = nullptr);

 private:
  /// Rows are normalised: a dot product is the cosine.
  struct matrix {
    std::int64_t version = -1;
    std::string fingerprint;
    std::size_t width = 0;
    std::vector<float> values;           ///< [rows, width]
    std::vector<std::int64_t> products;  ///< [rows] `products.number`
    std::vector<int> sites;              ///< [rows] into `site_names`
    std::vector<std::string> site_names;
  };
  std::shared_ptr<const matrix> current(sqlite::connection& db, const std::string& fingerprint);
  static std::shared_ptr<const matrix> load(sqlite::connection& db, const std::string& fingerprint,
                                            std::int64_t version);

  std::mutex mutex_;
  std::shared_ptr<const matrix> matrix_;
};

}  // namespace catwalk::storage
