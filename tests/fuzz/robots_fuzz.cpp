// Input: a line with a path, then a robots.txt.
#include <cstdlib>
#include <string_view>

#include "scrape/robots.hpp"

using namespace catwalk::scrape;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(input.find('\n'), input.size());
  const auto path = input.substr(0, end);
  const auto rules = robots::parse(input.substr(std::min(end + 1, input.size())));
  const auto once = normalise_robots_path(path);
  if (normalise_robots_path(once) != once) std::abort();
  for (const auto agent : {"catwalk", "*", "Mozilla/5.0"}) {
    const auto verdict = rules.allowed(agent, path);
    if (verdict.allowed != rules.allowed(agent, once).allowed) std::abort();
    if (verdict.rule.empty() != (verdict.line == 0)) std::abort();
    if (!verdict.allowed && verdict.rule.empty()) std::abort();
    const auto delay = rules.crawl_delay(agent);
    if (delay && (delay->count() < 0 || *delay > robots::max_crawl_delay)) std::abort();
  }
  return 0;
}
