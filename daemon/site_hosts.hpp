#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/site.hpp"

namespace catwalk::daemon {

/// The hosts that the sites' own addresses are on.
class site_hosts {
 public:
  explicit site_hosts(const std::vector<config::site>& sites);
  /// The site that names an address' host first; null where none does. The sites outlive this.
  const config::site* find(std::string_view address) const;
  /// Whether `site` is one of those that name the address' host.
  bool names(const config::site& site, std::string_view address) const;

 private:
  std::multimap<std::string, const config::site*, std::less<>> hosts_;
};

}  // namespace catwalk::daemon
