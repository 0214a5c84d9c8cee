#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/site.hpp"

namespace catwalk::daemon {

/// The hosts that the sites' own addresses are on, with the site that names each first.
class site_hosts {
 public:
  explicit site_hosts(const std::vector<config::site>& sites);
  /// The site of an address' host; null where none names it. The sites outlive this.
  const config::site* find(std::string_view address) const;

 private:
  std::map<std::string, const config::site*, std::less<>> hosts_;
};

}  // namespace catwalk::daemon
