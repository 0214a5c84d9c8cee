#include "config/database_url.hpp"

namespace catwalk::config {

std::optional<std::string> database_url(const loaded& configuration) {
  const auto of_sink = configuration.values.sink.url.reveal();
  if (configuration.values.sink.kind == "postgres" && !of_sink.empty()) return std::string(of_sink);
  for (const char* name : {"SUPABASE_DB_URL", "DATABASE_URL"}) {
    const auto found = configuration.variables.find(name);
    if (found != configuration.variables.end() && !found->second.empty()) return found->second;
  }
  return std::nullopt;
}

}  // namespace catwalk::config
