#include "scrape/embedded_json.hpp"

#include <utility>

#include "scrape/html_document.hpp"
#include "scrape/html_encoding.hpp"
#include "scrape/lenient_json.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

constexpr int most_assignments = 200;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// The name before the `=` at `at`; empty where something else stands there, as in `==` or `a[0] =`.
std::string_view name_before(std::string_view script, std::size_t at) {
  std::size_t end = at;
  while (end > 0 && is_blank(script[end - 1])) --end;
  std::size_t start = end;
  while (start > 0 && is_name(script[start - 1])) --start;
  return script.substr(start, end - start);
}

void add_assignments(std::string_view script, json& found, int& looked_at) {
  for (std::size_t at = script.find('='); at != std::string_view::npos; at = script.find('=', at + 1)) {
    std::size_t value = at + 1;
    while (value < script.size() && is_blank(script[value])) ++value;
    if (value >= script.size() || (script[value] != '{' && script[value] != '[')) continue;
    const std::string name(name_before(script, at));
    if (name.empty() || found.contains(name)) continue;
    if (++looked_at > most_assignments) return;
    const std::size_t length = json_value_length(script.substr(value));
    if (length == 0) continue;
    auto read = parse_lenient_json(script.substr(value, length), name);
    if (read.has_error()) continue;
    found[name] = std::move(*read);
    at = value + length - 1;
  }
}

}  // namespace

json embedded_json(std::string_view page, std::string_view content_type, const std::string& on) {
  json found = json::object();
  const std::string text = page_as_utf8(page, content_type);
  const auto document = html_document::parse(text, on);
  if (document.has_error()) return found;
  int looked_at = 0;
  for (std::uint32_t at = 0; at < document->size(); ++at) {
    const html_node node = document->node(at);
    if (!node.is_element() || node.name() != "script") continue;
    const std::string type = lower_ascii(trimmed(node.attribute("type").value_or("")));
    const std::string script = node.text();
    if (type.find("json") == std::string::npos) {
      add_assignments(script, found, looked_at);
      continue;
    }
    const std::string id(node.attribute("id").value_or(""));
    if (id.empty() || found.contains(id)) continue;
    auto read = parse_lenient_json(script, on);
    if (read.has_value()) found[id] = std::move(*read);
  }
  return found;
}

}  // namespace catwalk::scrape
