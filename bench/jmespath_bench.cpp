// How fast items are found and read by JMESPath: jmespath_bench DOCUMENT.json ITEMS_EXPRESSION
// FIELD_EXPRESSION... Prints one line of JSON: items, rounds, and CPU seconds per 1,000 items.
// jmespath_bench.py does the same in Python.
#include <cstdio>
#include <ctime>
#include <fstream>
#include <vector>

#include "scrape/jmespath.hpp"

using namespace catwalk;

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: jmespath_bench DOCUMENT.json ITEMS_EXPRESSION FIELD_EXPRESSION...\n");
    return 2;
  }
  std::ifstream file(argv[1]);
  const auto document = nlohmann::json::parse(file, nullptr, false);
  if (document.is_discarded()) {
    std::fprintf(stderr, "%s is not JSON\n", argv[1]);
    return 1;
  }
  std::vector<scrape::jmespath> expressions;
  for (int i = 2; i < argc; ++i) {
    const auto compiled = scrape::jmespath::compile(argv[i]);
    if (compiled.has_error()) {
      std::fprintf(stderr, "%s\n", compiled.error().to_string().c_str());
      return 2;
    }
    expressions.push_back(*compiled);
  }

  std::size_t items = 0, rounds = 0, found = 0;
  const auto began = std::clock();
  double seconds = 0;
  while (seconds < 2) {
    const auto count = expressions.front().visit_items(document, [&](const nlohmann::json& item) {
      for (std::size_t i = 1; i < expressions.size(); ++i) {
        const auto field = expressions[i].search(item);
        found += field.has_value() && !field->is_null();
      }
    });
    if (count.has_error() || *count == 0) {
      std::fprintf(stderr, "the items' expression finds nothing\n");
      return 1;
    }
    items += *count;
    ++rounds;
    seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  }
  std::printf("{\"items\": %zu, \"fields_found\": %zu, \"cpu_seconds_per_1000_items\": %.6f}\n",
              items / rounds, found / rounds, seconds * 1000 / static_cast<double>(items));
  return 0;
}
