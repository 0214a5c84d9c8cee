#include "scrape/json_reach.hpp"

namespace catwalk::scrape {

json_reach& json_reach::member(std::string_view name) {
  if (whole_) return *this;
  auto found = members_.find(name);
  if (found == members_.end())
    found = members_.emplace(std::string(name), std::make_unique<json_reach>()).first;
  return *found->second;
}

const json_reach* json_reach::find(std::string_view name) const noexcept {
  if (whole_) return this;
  const auto found = members_.find(name);
  return found == members_.end() ? nullptr : found->second.get();
}

void take_whole(const json_places& places) noexcept {
  for (json_reach* place : places) place->take_whole();
}

}  // namespace catwalk::scrape
