#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "core/url.hpp"

namespace catwalk::scrape {

/// Which pages have been met, however their addresses are written. Keeps 64 bits of each, so that sitemaps of
/// any length are known in little memory.
class seen_addresses {
 public:
  /// False where the page was met before.
  bool insert(std::string_view address) {
    return seen_.insert(std::hash<std::string>()(canonical_url(address))).second;
  }

 private:
  std::unordered_set<std::uint64_t> seen_;
};

}  // namespace catwalk::scrape
