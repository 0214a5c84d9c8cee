#include "storage/csv_line.hpp"

#include <nlohmann/json.hpp>

#include "core/json_text.hpp"

namespace catwalk::storage {
namespace {

std::string field(const nlohmann::json& value) {
  if (value.is_null()) return {};
  std::string text = value.is_string() ? value.get<std::string>() : json_text(value);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace

std::string csv_line(const std::vector<std::string>& columns, const nlohmann::json& row) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i)
    line += (i == 0 ? "" : ",") + field(row.value(columns[i], nlohmann::json()));
  return line + "\r\n";
}

std::string csv_header(const std::vector<std::string>& columns) {
  std::string line;
  for (const auto& name : columns) line += (line.empty() ? "" : ",") + field(name);
  return line + "\r\n";
}

}  // namespace catwalk::storage
