#pragma once
#include <string>

#include "config/problem.hpp"
#include "config/site.hpp"
#include "config/yaml_document.hpp"

namespace catwalk::config {

// The two kinds of source of a site; keys as the predecessor has them. `path` names the mapping in problems.

api_source read_api_source(const yaml_node& node, const std::string& path, problems& found);
/// `fallback`: the mapping is `api.fallback_html`, where `page_url` stands for `category_urls`.
html_source read_html_source(const yaml_node& node, const std::string& path, bool fallback, problems& found);

}  // namespace catwalk::config
