#include "daemon/unsupported_settings.hpp"

#include <string>

namespace catwalk::daemon {
namespace {

using config::settings;
using level = config::problem::level;

/// A setting that is read, checked, and not acted upon by this version.
struct unsupported {
  const char* key;
  bool (*asked_for)(const settings&);  ///< the value asks for something that would have to be done
  level severity;
  const char* hint;
};

constexpr unsupported table[] = {
};

config::problem not_yet(level severity, const config::place& where, const std::string& what,
                        std::string hint) {
  const char* words = severity == level::error ? " is not supported yet by this version"
                                               : " has no effect yet in this version";
  return {severity, where, what + words, std::move(hint)};
}

}  // namespace

config::problems unsupported_settings(const config::loaded& loaded) {
  config::problems found;
  for (const auto& one : table) {
    if (!one.asked_for(loaded.values)) continue;
    const auto given = loaded.given.find(one.key);
    found.push_back(not_yet(one.severity, given == loaded.given.end() ? config::place{} : given->second,
                            one.key, one.hint));
  }
  return found;
}

}  // namespace catwalk::daemon
