#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/site.hpp"
#include "core/error.hpp"
#include "scrape/field_map.hpp"
#include "scrape/page_reader.hpp"
#include "scrape/paging.hpp"
#include "scrape/shop_rules.hpp"

namespace catwalk::scrape {

/// Reads the JSON answers of one site of the `api` kind. Its expressions are compiled once. Immutable, so
/// that any thread may read with it. `site` must outlive it.
class api_reader final : public page_reader {
 public:
  /// `invalid_config` with the place of an expression that does not parse.
  static result<api_reader> compile(const config::site& site, bool keep_raw_items = true);

  /// What is asked first at an endpoint's address.
  page_address first_page(std::string url) const { return paging_.first(std::move(url)); }

  /// `malformed` for a body that is not JSON, and where no `items_path` exists in it (an empty list is no
  /// error: the category is empty); `too_large` for one that is nested too deep.
  result<page_answer> read(std::string_view body, const page_place& place) const override;

 private:
  explicit api_reader(const config::site& site) : site_(&site), rules_(rules_for(site)) {}

  const config::site* site_;
  shop_rules rules_;
  std::vector<located_expression> items_paths_;
  field_map fields_;
  paging paging_;
  bool keep_raw_items_ = true;
  std::shared_ptr<json_reach> reach_;  ///< what of an answer is looked at
};

}  // namespace catwalk::scrape
