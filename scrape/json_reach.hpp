#pragma once
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace catwalk::scrape {

/// Which parts of a document are looked at: a tree of member names. Arrays have no level of their own, their
/// elements share the place of the array. What is outside need not be built.
class json_reach {
 public:
  /// Everything from here down is looked at.
  void take_whole() noexcept { whole_ = true; }
  bool whole() const noexcept { return whole_; }

  /// The place of a member, made where there is none; this one where it is whole already.
  json_reach& member(std::string_view name);
  /// The place of a member; nullptr: nobody looks at it.
  const json_reach* find(std::string_view name) const noexcept;

 private:
  bool whole_ = false;
  std::vector<std::pair<std::string, std::unique_ptr<json_reach>>>
      members_;  ///< few: looked through in a row
};

/// Places that a value may stand at.
using json_places = std::set<json_reach*>;

/// Everything from these places down is looked at.
void take_whole(const json_places& places) noexcept;

}  // namespace catwalk::scrape
