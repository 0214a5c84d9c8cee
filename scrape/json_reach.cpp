#include "scrape/json_reach.hpp"

namespace catwalk::scrape {

json_reach& json_reach::member(std::string_view name) {
  if (whole_) return *this;
  for (const auto& [known, place] : members_)
    if (known == name) return *place;
  return *members_.emplace_back(name, std::make_unique<json_reach>()).second;
}

const json_reach* json_reach::find(std::string_view name) const noexcept {
  if (whole_) return this;
  for (const auto& [known, place] : members_)
    if (known == name) return place.get();
  return nullptr;
}

void take_whole(const json_places& places) noexcept {
  for (json_reach* place : places) place->take_whole();
}

}  // namespace catwalk::scrape
