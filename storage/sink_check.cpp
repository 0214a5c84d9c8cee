#include "storage/sink_check.hpp"

#include <algorithm>
#include <charconv>

#include "storage/sink_migrations.hpp"

namespace catwalk::storage {

using nlohmann::json;

namespace {

/// A row without its vector, with its share of the indexes over text.
constexpr std::int64_t row_bytes = 1'800;
/// pgvector's graph holds each vector once more, with about 40 neighbours of 6 bytes and a third of unused
/// pages.
constexpr std::int64_t graph_bytes = 300;

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

std::string_view bare_type(std::string_view type) {
  type = type.substr(0, type.rfind('('));
  if (const auto schema = type.rfind('.'); schema != std::string_view::npos) type.remove_prefix(schema + 1);
  return type;
}

std::vector<std::string> texts(const json& list) {
  std::vector<std::string> all;
  for (const auto& one : list)
    if (one.is_string()) all.push_back(one.get<std::string>());
  return all;
}

}  // namespace

std::set<std::string> table_facts::column_names() const {
  std::set<std::string> names;
  for (const auto& [name, type] : columns) names.insert(name);
  return names;
}

std::optional<table_facts> read_facts(const json& answer) try {
  if (!answer.is_object() || !answer.contains("columns")) return std::nullopt;
  table_facts f;
  f.exists = answer.at("exists").get<bool>();
  f.role = answer.at("role").get<std::string>();
  f.bypasses_row_security = answer.at("bypasses_row_security").get<bool>();
  f.row_security = answer.at("row_security").get<bool>();
  if (answer.at("pgvector").is_string()) f.pgvector = answer.at("pgvector").get<std::string>();
  for (const auto& [name, type] : answer.at("columns").items()) f.columns[name] = type.get<std::string>();
  f.required = texts(answer.at("required"));
  for (const auto& key : answer.at("unique_keys")) f.unique_keys.push_back(texts(key));
  for (auto& name : texts(answer.at("searchable"))) f.searchable.insert(std::move(name));
  for (const auto& t : answer.at("triggers"))
    f.triggers.push_back({t.at("name").get<std::string>(), t.at("function").get<std::string>(),
                          t.at("calls_out").get<bool>()});
  const auto number = [&](const char* name) {
    return answer.at(name).is_number() ? answer.at(name).get<std::int64_t>() : 0;
  };
  f.rows = number("rows");
  f.bytes = number("bytes");
  f.database_bytes = number("database_bytes");
  for (auto& name : texts(answer.at("functions"))) f.functions.insert(std::move(name));
  return f;
} catch (const json::exception&) {
  return std::nullopt;
}

std::optional<int> vector_width(std::string_view type) {
  const auto open = type.rfind('(');
  if (open == std::string_view::npos) return std::nullopt;
  if (const auto bare = bare_type(type); bare != "vector" && bare != "halfvec") return std::nullopt;
  int width = 0;
  const auto digits = type.substr(open + 1);
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), width);
  if (problem != std::errc() || end == digits.data() + digits.size() || *end != ')') return std::nullopt;
  return width;
}

bool is_half_vector(std::string_view type) {
  return bare_type(type) == "halfvec";
}

std::int64_t expected_bytes(std::int64_t rows, int width, bool half) {
  const std::int64_t vector = static_cast<std::int64_t>(width) * (half ? 2 : 4) + 8;
  return rows * (row_bytes + vector + (vector + graph_bytes) * 4 / 3);
}

void judge(const table_facts& facts, const layout& shape, const std::string& table, sink_description& into) {
  into.role = facts.role;
  into.rows = facts.rows;
  into.can_set_vectors = facts.functions.count("catwalk_set_vectors") > 0;
  if (shape.vector_column()) {
    const auto found = facts.columns.find(*shape.vector_column());
    into.half_vectors = found != facts.columns.end() && is_half_vector(found->second);
  }
  std::string sql;
  const auto quoted = [](const std::string& name) { return '"' + name + '"'; };
  const auto on_table = "alter table public." + quoted(table) + " ";

  const auto key = sorted(shape.conflict());
  const bool merges = std::any_of(facts.unique_keys.begin(), facts.unique_keys.end(),
                                  [&](const auto& k) { return sorted(k) == key; });
  if (!merges) {
    into.warnings.push_back("there is no unique key on (" + joined(shape.conflict()) +
                            "): every row will be refused (42P10)");
    std::string columns;
    for (const auto& name : shape.conflict()) columns += (columns.empty() ? "" : ", ") + quoted(name);
    sql += on_table + "add unique (" + columns + ");\n";
  }
  const auto written = shape.columns(true);
  for (const auto& name : facts.required)
    if (name != "id" && std::find(written.begin(), written.end(), name) == written.end()) {
      into.warnings.push_back(
          "the column " + name +
          " must not be null, and catwalk does not write it: every new row will be refused");
      sql += on_table + "alter column " + quoted(name) + " drop not null;\n";
    }
  if (facts.row_security && !facts.bypasses_row_security)
    into.warnings.push_back("row security is on and the role " + facts.role +
                            " is bound by it: rows may be hidden from it, or refused; use the service key");
  for (const auto& t : facts.triggers)
    if (t.calls_out)
      into.warnings.push_back("the trigger " + t.name + " calls out (" + t.function +
                              ") for every row: where it fails the row is refused");
  if (shape.vector_column() && facts.rows > 10'000 && facts.searchable.count(*shape.vector_column()) == 0) {
    into.warnings.push_back("there is no index for nearest neighbours on " + *shape.vector_column() +
                            ": `catwalk sink migrate` makes one");
  }
  if (!sql.empty()) into.mending_sql = "begin;\n" + sql + "notify pgrst, 'reload schema';\ncommit;\n";
}

}  // namespace catwalk::storage
