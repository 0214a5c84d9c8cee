#include "core/repeated_lines.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace catwalk {

std::size_t repeated_lines::hash::operator()(const line& of) const noexcept {
  return std::hash<std::string>()(of.text) ^ (std::hash<std::int64_t>()(of.scope.run) << 1U) ^
         std::hash<int>()(of.level);
}

bool repeated_lines::admit(const line& said, steady_time now) {
  const auto known = seen_.find(said);
  if (known == seen_.end()) {
    if (seen_.size() >= remembered) return true;
    seen_.emplace(said, tally{now, 1});
    next_end_ = std::min(next_end_.value_or(now + window), now + window);
    return true;
  }
  return ++known->second.times <= permitted;
}

std::vector<repeated_lines::summary> repeated_lines::ended(steady_time now) {
  std::vector<summary> told;
  if (!next_end_ || now < *next_end_) return told;
  next_end_.reset();
  for (auto it = seen_.begin(); it != seen_.end();) {
    const auto end = it->second.began + window;
    if (now < end) {
      next_end_ = std::min(next_end_.value_or(end), end);
      ++it;
      continue;
    }
    if (it->second.times > permitted) told.push_back({it->first, it->second.times - permitted});
    it = seen_.erase(it);
  }
  return told;
}

std::vector<repeated_lines::summary> repeated_lines::rest() {
  std::vector<summary> told;
  for (const auto& [what, count] : seen_)
    if (count.times > permitted) told.push_back({what, count.times - permitted});
  seen_.clear();
  next_end_.reset();
  return told;
}

std::string words(const repeated_lines::summary& of) {
  return of.what.text + " (said " + std::to_string(of.left_out) +
         (of.left_out == 1 ? " more time" : " more times") + " within a minute)";
}

}  // namespace catwalk
