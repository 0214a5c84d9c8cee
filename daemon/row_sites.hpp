#pragma once
#include <nlohmann/json.hpp>
#include <vector>

#include "config/site.hpp"
#include "daemon/site_hosts.hpp"

namespace catwalk::daemon {

/// Tells of a row of the sink which site of sites.yaml it is from.
class row_sites {
 public:
  /// The sites outlive this.
  explicit row_sites(const std::vector<config::site>& sites);

  /// The site that has the row's `source` and, where several share one, is nearest to it: by the host of its
  /// `product_url`, then by its brand, then by its country. Null where none has the source, or where several
  /// do and neither host nor brand speaks for one.
  const config::site* find(const nlohmann::json& columns) const;

 private:
  int nearness(const config::site& site, const nlohmann::json& columns) const;

  const std::vector<config::site>& sites_;
  site_hosts hosts_;
};

}  // namespace catwalk::daemon
