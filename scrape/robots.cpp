#include "scrape/robots.hpp"

#include "scrape/robots_token.hpp"

namespace catwalk::scrape {

const robots::agent_entry* robots::find(std::string_view agent) const {
  auto found = agents_.find(robots_product_token(agent));
  if (found == agents_.end()) found = agents_.find("*");
  return found == agents_.end() ? nullptr : &found->second;
}

robots_verdict robots::allowed(std::string_view agent, std::string_view path_and_query) const {
  const auto* entry = find(agent);
  if (!entry) return {};
  const auto path = normalise_robots_path(path_and_query);
  if (path == "/robots.txt") return {};
  const rule* best = nullptr;
  const auto outweighs = [&](const rule& candidate) {
    if (!best || candidate.pattern.length() > best->pattern.length()) return true;
    return candidate.pattern.length() == best->pattern.length() && candidate.allow && !best->allow;
  };
  for (const auto index : entry->blocks)
    for (const auto& candidate : blocks_[index])
      if (outweighs(candidate) && candidate.pattern.matches(path)) best = &candidate;
  if (!best) return {};
  return {best->allow, best->text, best->line};
}

std::optional<std::chrono::milliseconds> robots::crawl_delay(std::string_view agent) const {
  const auto* entry = find(agent);
  return entry ? entry->crawl_delay : std::nullopt;
}

}  // namespace catwalk::scrape
