#pragma once
#include <span>
#include <string>

#include "daemon/demo_shop/garment.hpp"

namespace catwalk::daemon {

/// One page of a category in the format of Zara's `/category/N/products?ajax=true`:
/// `productGroups[].elements[] .commercialComponents[]` and `paginationInfo`. Prices are minor units.
std::string zara_page(std::span<const garment> garments, const std::string& origin, int page, int page_size);
/// One page of Shopify's `/products.json`.
std::string shopify_page(std::span<const garment> garments, const std::string& origin, int page, int limit);
/// A listing with links to product pages.
std::string html_listing(std::span<const garment> garments);
/// A product page with JSON-LD and OpenGraph.
std::string html_product(const garment& g, const std::string& origin);
/// The sitemap of all product pages.
std::string sitemap(std::span<const garment> garments, const std::string& origin);
/// "49.90"
std::string major_units(int minor);

}  // namespace catwalk::daemon
