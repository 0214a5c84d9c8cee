#pragma once
#include "config/load.hpp"

namespace catwalk::daemon {

/// What the configuration asks for and this version does not do yet: a warning for each setting that is
/// accepted, set to something else than its default, and without effect; an error where going on without it
/// would do something else than what was asked for.
config::problems unsupported_settings(const config::loaded& loaded);

}  // namespace catwalk::daemon
