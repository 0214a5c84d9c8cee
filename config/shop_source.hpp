#pragma once
#include <string>

#include "config/problem.hpp"
#include "config/site.hpp"
#include "config/yaml_document.hpp"

namespace catwalk::config {

// The kinds of source whose format is known, so that an address is enough: each takes the address alone, or
// a mapping. `path` names it in problems.

shopify_source read_shopify_source(const yaml_node& node, const std::string& path, problems& found);
sitemap_source read_sitemap_source(const yaml_node& node, const std::string& path, problems& found);
feed_source read_feed_source(const yaml_node& node, const std::string& path, problems& found);

}  // namespace catwalk::config
