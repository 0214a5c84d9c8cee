#pragma once
#include <span>
#include <string>
#include <string_view>

namespace catwalk::storage {

/// A file of storage/migrations, embedded in the binary.
struct migration_file {
  std::string_view name;  ///< as Supabase names them: 20261123090000_products.sql
  std::string_view text;  ///< with `{{table}}`, `{{name}}`, `{{type}}` and `{{width}}` to be filled in
};

/// In the order in which they run.
std::span<const migration_file> migration_files();

/// table_facts.sql, with `{{name}}` to be filled in.
std::string_view facts_template();

struct migration_options {
  std::string table = "products";
  int width = 512;      ///< of the vectors
  bool half = false;    ///< `halfvec`: half the size, to three decimals
  bool prices = false;  ///< price_amount, price_currency, sale_amount
  bool events = false;  ///< product_events
};

/// The SQL that makes the sink's table what catwalk needs, as one transaction. It runs on an empty database
/// and on a table with rows in it, and changes nothing the second time. A vector column of another width
/// raises CWW01, a key that is there more than once CWW02.
std::string migration_sql(const migration_options& options);

/// The query that asks what the table is like, for a connection to Postgres itself; sink_check.hpp reads its
/// answer.
std::string facts_query(const std::string& table);

}  // namespace catwalk::storage
