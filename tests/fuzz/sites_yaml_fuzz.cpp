// Input: a sites file.
#include <cstdlib>
#include <string_view>

#include "config/load.hpp"

using namespace catwalk;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto read = config::parse_sites(input, "sites.yaml");
  for (const auto& problem : read.found) {
    if (problem.what.empty() || config::to_string(problem).empty()) std::abort();
  }
  for (const auto& site : read.sites) {
    if (site.stanza_hash.size() != 64) std::abort();
    if (!config::has_errors(read.found) && site.name.empty()) std::abort();
  }
  // The same text reads the same.
  const auto again = config::parse_sites(input, "sites.yaml");
  if (again.sites.size() != read.sites.size() || again.found.size() != read.found.size()) std::abort();
  for (std::size_t i = 0; i < read.sites.size(); ++i) {
    if (again.sites[i].stanza_hash != read.sites[i].stanza_hash) std::abort();
  }
  return 0;
}
