#pragma once
#include "config/environment_file.hpp"
#include "config/reading.hpp"
#include "config/settings.hpp"

namespace catwalk::config {

/// Puts the environment over what the file said: `dotenv` first, then `process`, which wins. Within one of
/// the two, CATWALK_ variables win over the predecessor's (SUPABASE_URL …). Empty variables count as not set.
/// A CATWALK_ variable that looks like a setting and is none is a warning; a value that does not fit is an
/// error.
void apply_environment(const variables& dotenv, const variables& process, settings& values, reading& context);

}  // namespace catwalk::config
