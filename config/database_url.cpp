#include "config/database_url.hpp"

#include <fstream>
#include <iterator>

#include "config/environment_file.hpp"

namespace catwalk::config {

std::optional<std::string> database_url(const loaded& configuration, const environment& env,
                                        const std::filesystem::path& working_dir) {
  const auto of_sink = configuration.values.sink.url.reveal();
  if (configuration.values.sink.kind == "postgres" && !of_sink.empty()) return std::string(of_sink);
  const auto& read = configuration.config_file.empty() ? configuration.sites_file : configuration.config_file;
  std::ifstream file((read.empty() ? working_dir : read.parent_path()) / ".env", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto dotenv = parse_environment_file(text, ".env", env).values;
  for (const char* name : {"SUPABASE_DB_URL", "DATABASE_URL"}) {
    if (const auto own = env.find(name); own != env.end() && !own->second.empty()) return own->second;
    if (const auto one = dotenv.find(name); one != dotenv.end() && !one->second.value.empty())
      return one->second.value;
  }
  return std::nullopt;
}

}  // namespace catwalk::config
