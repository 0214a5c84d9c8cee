#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// The reason of items whose page is gone: a shop may list a product whose page it has taken down.
inline constexpr const char* page_not_found = "page not found";

/// Counts what the pages of one listing gave. Of a listing whose items are all skipped nothing is known: a
/// shop that renames a field looks like that.
class listing_tally {
 public:
  void count(const page& read);
  /// Why the listing is not to be believed; nullopt where it is.
  std::optional<error> doubt(const std::string& endpoint) const;

 private:
  std::size_t products_ = 0;
  std::map<std::string, std::size_t> skipped_;  ///< items by reason
};

}  // namespace catwalk::scrape
