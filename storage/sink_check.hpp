#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/layout.hpp"
#include "storage/sink.hpp"

namespace catwalk::storage {

/// What the database says of the sink's table (storage/migrations/table_facts.sql).
struct table_facts {
  struct trigger {
    std::string name, function;
    bool calls_out = false;  ///< its function asks other services
  };
  bool exists = false;
  std::string role;
  bool bypasses_row_security = false;
  bool row_security = false;
  std::string pgvector;                        ///< its version; empty: not installed
  std::map<std::string, std::string> columns;  ///< name to type, as Postgres writes it
  std::vector<std::string> required;           ///< not null, without a default
  std::vector<std::vector<std::string>> unique_keys;
  std::set<std::string> searchable;  ///< columns with an index for nearest neighbours
  std::vector<trigger> triggers;
  std::int64_t rows = 0;  ///< an estimate
  std::int64_t bytes = 0;
  std::int64_t database_bytes = 0;
  std::set<std::string> functions;

  std::set<std::string> column_names() const;
};

/// The answer of table_facts.sql; nullopt where it is something else.
std::optional<table_facts> read_facts(const nlohmann::json& answer);

/// The width in `vector(512)`, `extensions.halfvec(768)` …; nullopt for other types.
std::optional<int> vector_width(std::string_view type);
bool is_half_vector(std::string_view type);

/// Adds to a description what the facts say: role, rows, warnings, and the SQL that mends them.
void judge(const table_facts& facts, const layout& shape, const std::string& table, sink_description& into);

/// How much a table of so many rows takes: rows, vectors and their index. Bytes, roughly.
std::int64_t expected_bytes(std::int64_t rows, int width, bool half);
/// What a free Supabase project may hold.
inline constexpr std::int64_t free_tier_bytes = 500'000'000;

}  // namespace catwalk::storage
