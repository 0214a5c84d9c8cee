#include "storage/sink_migrations.hpp"

namespace catwalk::storage {
namespace {

std::string doubled(const std::string& text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out += c == quote ? std::string(2, quote) : std::string(1, c);
  return out + quote;
}

void replace_all(std::string& text, std::string_view what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

bool wanted(std::string_view name, const migration_options& options) {
  if (name.find("product_prices") != std::string_view::npos) return options.prices;
  if (name.find("product_events") != std::string_view::npos) return options.events;
  return true;
}

}  // namespace

std::string migration_sql(const migration_options& options) {
  const auto width = std::to_string(options.width);
  std::string sql = "begin;\n";
  for (const auto& file : migration_files()) {
    if (!wanted(file.name, options)) continue;
    std::string text(file.text);
    replace_all(text, "{{facts}}", std::string(facts_template()));
    replace_all(text, "{{table}}", doubled(options.table, '"'));
    replace_all(text, "{{name}}", doubled(options.table, '\''));
    replace_all(text, "{{type}}", (options.half ? "halfvec(" : "vector(") + width + ")");
    replace_all(text, "{{width}}", width);
    sql += "\n-- " + std::string(file.name) + "\n" + text;
  }
  return sql + "\nnotify pgrst, 'reload schema';\ncommit;\n";
}

std::string facts_query(const std::string& table) {
  std::string text(facts_template());
  replace_all(text, "{{name}}", doubled(table, '\''));
  return text;
}

}  // namespace catwalk::storage
