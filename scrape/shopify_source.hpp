#pragma once
#include <memory>
#include <string>
#include <vector>

#include "scrape/listing_run.hpp"
#include "scrape/shopify_reader.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// The `shopify` kind: `/products.json` page by page, or collection by collection where the site says so or
/// the shop refuses the whole (Shopify itself gives no more than its first 25,000 products that way).
class shopify_source final : public source {
 public:
  /// `invalid_config` where an expression does not parse.
  static result<std::unique_ptr<source>> make(const source_context& context);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read(page_sink& sink) override;

 private:
  shopify_source(const source_context& context, shopify_reader reader);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read_all(page_sink& sink);
  /// Asks /meta.json for the currency, where the site does not set it.
  boost::asio::awaitable<result<void>> find_currency();
  /// The handles of the shop's collections that hold products.
  boost::asio::awaitable<result<std::vector<std::string>>> find_collections();
  listing listing_of(const std::string& collection) const;

  source_context context_;
  shopify_reader reader_;
  listing_run run_;
};

}  // namespace catwalk::scrape
