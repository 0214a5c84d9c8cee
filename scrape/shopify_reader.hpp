#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "config/site.hpp"
#include "core/error.hpp"
#include "scrape/field_map.hpp"
#include "scrape/page_reader.hpp"
#include "scrape/shop_rules.hpp"

namespace catwalk::scrape {

/// Reads the pages of Shopify's `/products.json` and `/collections/HANDLE/products.json`.
class shopify_reader final : public page_reader {
 public:
  /// Products on a page: the most that Shopify gives.
  static constexpr int page_size = 250;

  /// `invalid_config` with the place of an expression of `shopify.field_map` that does not parse. `site` must
  /// outlive the reader.
  static result<shopify_reader> compile(const config::site& site);

  /// The currency of products that name none.
  void set_currency(std::string code) { currency_ = std::move(code); }

  /// The first page of the whole shop, or of one collection.
  page_address first_page(std::string_view collection = {}) const;

  /// `malformed` for what is not such a page. A listing goes on as long as its pages are not nearly empty:
  /// some shops give fewer products than they are asked for.
  result<page_answer> read(std::string_view body, const page_place& place) const override;

 private:
  explicit shopify_reader(const config::site& site);

  const config::site* site_;
  shop_rules rules_;
  std::string currency_;
  field_map overrides_;
  std::shared_ptr<json_reach> reach_;  ///< what of an answer is looked at
};

}  // namespace catwalk::scrape
