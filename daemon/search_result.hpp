#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/embedding.hpp"
#include "storage/catalogue.hpp"

namespace catwalk::daemon {

/// `{"model":…,"untrained":…,"results":[{"score":…,"id":…,"title":…,…}]}`, best first.
nlohmann::json neighbours_as_json(const std::vector<storage::neighbour>& found, const embedding& query);
/// A table for people: score, title, price, site, address, and since when it is known.
std::string neighbours_as_text(const std::vector<storage::neighbour>& found);

}  // namespace catwalk::daemon
