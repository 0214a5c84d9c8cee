#include "daemon/search_result.hpp"

#include <spdlog/fmt/fmt.h>

#include "daemon/time_text.hpp"

namespace catwalk::daemon {

namespace {

std::string day(wall_time when) {
  return time_text(when).substr(0, 10);
}

}  // namespace

nlohmann::json neighbours_as_json(const std::vector<storage::neighbour>& found, const embedding& query) {
  auto results = nlohmann::json::array();
  for (const auto& n : found) {
    nlohmann::json row{{"score", n.score},
                       {"id", n.item.id.str()},
                       {"site", n.item.site.str()},
                       {"title", n.item.title},
                       {"product_url", n.item.product_url},
                       {"image_url", n.item.image_url},
                       {"first_seen", time_text(n.first_seen)},
                       {"last_seen", time_text(n.last_seen)},
                       {"price_changed_at", time_json(n.price_changed)}};
    row["price"] = n.item.price ? nlohmann::json(*n.item.price) : nlohmann::json();
    row["category"] = n.item.category ? nlohmann::json(*n.item.category) : nlohmann::json();
    results.push_back(std::move(row));
  }
  return {{"model", query.model}, {"untrained", query.made.untrained}, {"results", std::move(results)}};
}

std::string neighbours_as_text(const std::vector<storage::neighbour>& found) {
  std::string text;
  for (const auto& n : found) {
    auto seen = day(n.first_seen) + " to " + day(n.last_seen);
    if (n.price_changed) seen += ", price of " + day(*n.price_changed);
    text += fmt::format("{:.4f}  {:<36.36}  {:>10}  {:<14.14}  seen {}  {}\n", n.score, n.item.title,
                        n.item.price.value_or("-"), n.item.site.str(), seen, n.item.product_url);
  }
  return text;
}

}  // namespace catwalk::daemon
