#include "storage/postgrest_filter.hpp"

#include <map>
#include <utility>

#include "core/url.hpp"

namespace catwalk::storage {
namespace {

/// Gateways refuse addresses from 8 KB on.
constexpr std::size_t longest_filter = 6'000;

/// A value within `in.(…)`, where commas and parentheses mean something.
std::string list_item(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string equals(std::string_view column, std::string_view value) {
  return percent_encode(column) + "=eq." + percent_encode(value);
}

std::vector<row_filter> filters_by_key(const layout& shape, const std::vector<const product*>& rows) {
  struct entry {
    std::string value;
    std::size_t row;
  };
  std::map<std::string, std::vector<entry>> groups;  ///< by the filter on all columns but the last
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto key = shape.key_of(*rows[i]);
    if (!key) continue;
    std::string others;
    for (std::size_t c = 0; c + 1 < key->size(); ++c) others += equals(shape.conflict()[c], (*key)[c]) + "&";
    groups[others].push_back({percent_encode(list_item(key->back())), i});
  }
  std::vector<row_filter> filters;
  for (const auto& [others, entries] : groups) {
    const auto start = others + percent_encode(shape.conflict().back()) + "=in.(";
    row_filter f{start, {}};
    for (const auto& e : entries) {
      if (!f.rows.empty() && f.query.size() + e.value.size() > longest_filter) {
        f.query += ')';
        filters.push_back(std::exchange(f, row_filter{start, {}}));
      }
      f.query += (f.rows.empty() ? "" : ",") + e.value;
      f.rows.push_back(e.row);
    }
    f.query += ')';
    filters.push_back(std::move(f));
  }
  return filters;
}

}  // namespace catwalk::storage
