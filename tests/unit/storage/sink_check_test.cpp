#include "storage/sink_check.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "storage/copy_writer.hpp"
#include "storage/sink_migrations.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using nlohmann::json;

namespace {

json answer() {
  return json::parse(
      R"j({"exists": true, "role": "anon", "bypasses_row_security": false, "row_security": true,
    "pgvector": "0.8.0", "columns": {"id": "text", "source": "text", "image_url": "text", "product_url": "text",
      "image_embedding": "extensions.halfvec(512)", "additional_images": "text", "shelf": "text"},
    "required": ["id", "shelf"], "unique_keys": [["source", "product_url"]], "searchable": [],
    "triggers": [{"name": "tell", "function": "call_out", "calls_out": true},
                 {"name": "count", "function": "count", "calls_out": false}],
    "rows": 50000, "bytes": 1, "database_bytes": 2, "functions": ["catwalk_set_vectors"]
})j");
}

bool says(const sink_description& d, const std::string& words) {
  return std::any_of(d.warnings.begin(), d.warnings.end(),
                     [&](const auto& w) { return w.find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE("what the database says of the table becomes warnings, and the SQL that mends them") {
  const auto facts = read_facts(answer());
  REQUIRE(facts);
  const auto shape = value_of(layout::make({"2026-02", {}, "auto"}, facts->column_names()));
  sink_description d;
  judge(*facts, shape, "products", d);
  CHECK(d.role == "anon");
  CHECK(d.half_vectors);
  CHECK(d.can_set_vectors);
  CHECK(says(d, "no unique key on (id)"));
  CHECK(says(d, "shelf must not be null"));
  CHECK(says(d, "anon is bound by it"));
  CHECK(says(d, "the trigger tell calls out"));
  CHECK_FALSE(says(d, "count"));
  CHECK(says(d, "nearest neighbours"));
  CHECK(d.mending_sql.find("add unique (\"id\")") != std::string::npos);
  CHECK(d.mending_sql.find("alter column \"shelf\" drop not null") != std::string::npos);
  CHECK(d.mending_sql.find("notify pgrst, 'reload schema'") != std::string::npos);
}

TEST_CASE("an answer that is something else is no answer") {
  CHECK_FALSE(read_facts(json("text")));
  CHECK_FALSE(read_facts(json::object()));
  auto broken = answer();
  broken["triggers"] = 7;
  CHECK_FALSE(read_facts(broken));
}

TEST_CASE("vector types are told by name and width, whatever their schema") {
  CHECK(vector_width("vector(512)") == 512);
  CHECK(vector_width("extensions.halfvec(768)") == 768);
  CHECK_FALSE(vector_width("vector"));
  CHECK_FALSE(vector_width("character varying(20)"));
  CHECK(is_half_vector("public.halfvec(3)"));
  CHECK_FALSE(is_half_vector("vector(3)"));
}

TEST_CASE("the size to come is about what Postgres takes") {
  // 2 KB of vector, as much again in the graph, and the row.
  CHECK(expected_bytes(1, 512, false) > 5'000);
  CHECK(expected_bytes(1, 512, false) < 8'000);
  CHECK(expected_bytes(100'000, 512, false) > free_tier_bytes);
  CHECK(expected_bytes(100'000, 512, true) < free_tier_bytes);
}

TEST_CASE("a migration names its table whatever that is called, and ends with a word to PostgREST") {
  migration_options o;
  o.table = "Pro\"duc't";
  o.width = 384;
  const auto sql = migration_sql(o);
  CHECK(sql.find("public.\"Pro\"\"duc't\"") != std::string::npos);
  CHECK(sql.find("'Pro\"duc''t'") != std::string::npos);
  CHECK(sql.find("vector(384)") != std::string::npos);
  CHECK(sql.find("{{") == std::string::npos);
  CHECK(sql.find("price_amount numeric") == std::string::npos);
  CHECK(sql.find("notify pgrst, 'reload schema';\ncommit;") != std::string::npos);
  o.prices = o.events = o.half = true;
  CHECK(migration_sql(o).find("price_amount numeric") != std::string::npos);
  CHECK(migration_sql(o).find("product_events") != std::string::npos);
  CHECK(migration_sql(o).find("halfvec(384)") != std::string::npos);
}

TEST_CASE("the binary copy is what Postgres reads") {
  copy_writer copy;
  copy.row(3);
  copy.text("ab");
  copy.null();
  copy.vector({1.0f, -2.0f});
  const std::string expected(
      "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
      "\0\3\0\0\0\2ab\377\377\377\377\0\0\0\14\0\2\0\0\x3f\x80\0\0\xc0\0\0\0\377\377",
      19 + 2 + 6 + 4 + 4 + 12 + 2);
  CHECK(copy.finish() == expected);
}
