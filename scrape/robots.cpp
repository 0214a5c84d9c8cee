#include "scrape/robots.hpp"

#include <algorithm>

#include "scrape/robots_token.hpp"

namespace catwalk::scrape {

const robots::group* robots::group_of(std::string_view agent) const {
  const auto token = robots_product_token(agent);
  const group* everyone = nullptr;
  for (const auto& g : groups_) {
    if (g.token == "*")
      everyone = &g;
    else if (g.token == token)
      return &g;
  }
  return everyone;
}

robots_verdict robots::allowed(std::string_view agent, std::string_view path_and_query) const {
  const auto* rules = group_of(agent);
  if (!rules) return {};
  const auto path = normalise_robots_path(path_and_query);
  if (path == "/robots.txt") return {};
  const rule* best = nullptr;
  for (const auto& candidate : rules->rules) {
    if (best && (candidate.pattern.length() < best->pattern.length() ||
                 (candidate.pattern.length() == best->pattern.length() && (best->allow || !candidate.allow))))
      continue;
    if (candidate.pattern.matches(path)) best = &candidate;
  }
  if (!best) return {};
  return {best->allow, best->text, best->line};
}

std::optional<std::chrono::milliseconds> robots::crawl_delay(std::string_view agent) const {
  const auto* rules = group_of(agent);
  return rules ? rules->crawl_delay : std::nullopt;
}

}  // namespace catwalk::scrape
