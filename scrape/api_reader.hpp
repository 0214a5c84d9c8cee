#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/site.hpp"
#include "core/error.hpp"
#include "core/product.hpp"
#include "scrape/field_map.hpp"
#include "scrape/normaliser.hpp"
#include "scrape/shop_rules.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// What one JSON answer of a shop holds.
struct api_answer {
  std::vector<product> products;  ///< one per id: of repeats the last one, at the place of the first
  std::vector<skipped_item> skipped;
  std::vector<std::string> item_ids;  ///< of all items that have one, skipped ones included
  std::size_t items = 0;
  bool more_pages = false;            ///< `paginationInfo` says that this is not the last page
  std::string body_hash;              ///< SHA-256 of the body, hex
  std::vector<std::string> warnings;  ///< expressions that failed on some item, each once
};

/// Reads the JSON answers of one site of the `api` kind. Its expressions are compiled once. Immutable, so
/// that any thread may read with it. `site` must outlive it.
class api_reader {
 public:
  /// `invalid_config` with the place of an expression that does not parse.
  static result<api_reader> compile(const config::site& site);

  /// `malformed` for a body that is not JSON, and where no `items_path` exists in it (an empty list is no
  /// error: the category is empty); `too_large` for one that is nested too deep.
  result<api_answer> read(std::string_view body, const std::string& endpoint, int endpoint_index,
                          const std::string& url) const;

 private:
  explicit api_reader(const config::site& site) : site_(&site), rules_(rules_for(site)) {}

  const config::site* site_;
  shop_rules rules_;
  std::vector<located_expression> items_paths_;
  field_map fields_;
};

}  // namespace catwalk::scrape
