#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/catalogue.hpp"
#include "storage/layout.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// Takes rows that the sink already holds into the catalogue, inside the caller's transaction.
///
/// A row that no run has seen yet is a product of its own, under the id that the sink has, listed nowhere.
/// The first run that reads a product which the row stands for takes it over: by its key, by its address, or
/// by the id that an older rule gave it. From then on the row keeps its key (`products.sink_key`), its vector
/// counts as made, and it is written only where it differs from what was read.
class adoption {
 public:
  adoption(sqlite::connection& db, wall_time now) : db_(db), now_(now) {}

  adoption_counts adopt(const std::vector<adoptable_row>& rows, const layout& shape);
  /// Before a product that was read is compared with what is stored: gives it the row that stands for it.
  /// `shape` may be null: then what the row holds counts as something else.
  void take_over(const product& p, const layout* shape);
  /// The columns that take_over() would find to differ, of a table with the layout `wanted` (its name may be
  /// auto); nullopt: no row stands for the product. Changes nothing.
  std::optional<std::vector<std::string>> differences(const product& p, const layout::settings& wanted);
  /// Forgets rows that nothing has taken over: they are of another sink.
  void forget();

 private:
  struct stub;
  std::optional<stub> standing_for(const product& p);
  void add(const adoptable_row& row);
  bool known(const adoptable_row& row, const layout& shape);
  void text_is_held(const std::string& id);
  std::optional<std::string> product_behind(const adoptable_row& row);
  const std::map<std::string, std::string>& others();

  sqlite::connection& db_;
  wall_time now_;
  std::optional<std::map<std::string, std::string>> others_;
};

}  // namespace catwalk::storage
