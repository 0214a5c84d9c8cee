#pragma once
#include <string>
#include <vector>

#include "config/site.hpp"
#include "core/error.hpp"
#include "scrape/html_document.hpp"
#include "scrape/html_field.hpp"
#include "scrape/page_reader.hpp"
#include "scrape/selector.hpp"
#include "scrape/shop_rules.hpp"

namespace catwalk::scrape {

/// Reads the pages of a site of the `html` kind. Immutable, so that any thread may read with it.
///
/// A listing gives products where `product_selector` finds their elements, or where the page describes them
/// for machines; else it gives the addresses of product pages: what `product_link_selector` finds, or what
/// its JSON-LD lists. A listing goes on where a link says `rel="next"`.
///
/// On a product's page what it says for machines comes first, and `product_selectors` add what is missing;
/// ids and literals of `product_selectors` win. On a listing's elements it is the other way round.
class html_reader final : public page_reader {
 public:
  /// `invalid_config` with the place of a selector that does not parse. `site` must outlive the reader; `key`
  /// is `html` or `api.fallback_html`.
  static result<html_reader> compile(const config::site& site, const config::html_source& html,
                                     const std::string& key);

  /// Every selector of the section that does not parse, as an error, and every one that never matches, as a
  /// warning, with its place.
  static config::problems check(const config::html_source& html, const std::string& key);

  result<page_answer> read(std::string_view body, const page_place& place) const override;
  result<page_answer> read_detail(std::string_view body, const page_place& place) const override;

 private:
  explicit html_reader(const config::site& site) : site_(&site), rules_(rules_for(site)) {}

  struct page;
  std::vector<html_node> products_on(const page& at) const;
  bool is_group_of_products(const html_node& container, const page& at) const;
  nlohmann::json fields_in(const html_node& container, const page& at) const;
  void add_item(nlohmann::json fields, nlohmann::json raw, const page& at, page_answer& answer) const;
  void add_elements(const page& at, page_answer& answer) const;
  void add_links(const page& at, page_answer& answer) const;

  const config::site* site_;
  shop_rules rules_;
  std::optional<selector> product_selector_, product_link_selector_;
  std::vector<html_field> fields_;
};

}  // namespace catwalk::scrape
