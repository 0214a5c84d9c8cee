#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/site.hpp"
#include "core/error.hpp"

namespace catwalk::scrape {

/// The endpoints that the answer of `api.discover_categories` names, absolute, each once: what `url_path`
/// finds; else `url_template` with what `id_path` finds; else (without either) every numeric `id` in the
/// items, which `url_template` takes. `url` is the answer's own address. `malformed` for an answer that is no
/// JSON, `invalid_config` for an expression that does not parse.
result<std::vector<std::string>> discovered_endpoints(std::string_view body,
                                                      const config::category_discovery& discovery,
                                                      const std::string& url);

/// The endpoints that a page of `api.discover_categories_html` links to, absolute, each once, with
/// `ajax=true`: the links that `category_link_selector` (default: every link) finds and whose address holds
/// `link_href_filter`. With `product_api_from_category` each becomes `/category/ID/products` of its shop,
/// below the address's country and language: the ID is the first group of `extract_category_id_regex`, or the
/// value of the query parameter `extract_category_query_param`, or the number in `-l123.html` and
/// `/category/123`; a link without one is left out.
result<std::vector<std::string>> discovered_endpoints(std::string_view page, std::string_view content_type,
                                                      const config::category_discovery_html& discovery,
                                                      const std::string& url);

/// What in the discovery sections of a site does not parse, with its place.
config::problems check_discovery(const config::api_source& api);

}  // namespace catwalk::scrape
