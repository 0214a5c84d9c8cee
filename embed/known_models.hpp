#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace catwalk::embed {

/// A model that catwalk's users have vectors of.
struct known_model {
  std::string_view hub;   ///< its name on the hub, "google/siglip-base-patch16-384"
  std::string_view name;  ///< under which it is stored, "siglip-base-patch16-384"
  int dim;                ///< numbers of a vector
};

/// The first of a width is the one that is meant where nobody names one.
std::span<const known_model> known_models();

/// The name that a stored model of this name has: that of a known model (whatever the case of its hub name),
/// the last part of another hub name in lower case, else `given` itself.
std::string stored_name_of(std::string_view given);

/// "owner/name", as hubs name models.
bool is_hub_name(std::string_view given);

}  // namespace catwalk::embed
