#pragma once
#include <optional>
#include <string>

#include "config/load.hpp"

namespace catwalk::config {

/// Where migrations go: `sink.url` of a sink of kind postgres, else `SUPABASE_DB_URL`, else `DATABASE_URL`,
/// of the environment and then of the `.env` beside the configuration. nullopt: none is set. It holds a
/// password.
std::optional<std::string> database_url(const loaded& configuration);

}  // namespace catwalk::config
