#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace catwalk::scrape {

/// The JSON that a page's scripts hold, as one object: a script of a JSON type under its `id`
/// (`__NEXT_DATA__`), and what a script assigns to a variable under the variable's last name
/// (`window.__STATE__ = {…}` is `__STATE__`). The first of a name counts. An empty object where there is
/// none, and where the page cannot be read. JavaScript that is not JSON is left out.
nlohmann::json embedded_json(std::string_view page, std::string_view content_type, const std::string& on);

}  // namespace catwalk::scrape
