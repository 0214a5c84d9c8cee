#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "storage/layout.hpp"

namespace catwalk::storage {

/// Filters as PostgREST reads them in a query string, percent-encoded.
/// https://docs.postgrest.org/en/stable/references/api/tables_views.html

/// `column=eq.value`.
std::string equals(std::string_view column, std::string_view value);

/// One filter that names exactly these rows, without an ambiguity between their keys.
struct row_filter {
  std::string query;              ///< `a=eq.…&b=in.("…","…")`
  std::vector<std::size_t> rows;  ///< the rows that it names, as places in what was asked for
};

/// Filters that together name every one of `rows` by the columns of the layout's key, each short enough for
/// an address. A row whose key is not whole (a null) is in none.
std::vector<row_filter> filters_by_key(const layout& shape, const std::vector<const product*>& rows);

}  // namespace catwalk::storage
