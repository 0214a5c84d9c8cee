// The official compliance suite (jmespath.test): every case with a result or an error.
#include <set>

#include "scrape/jmespath.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using scrape::jmespath;
using scrape::jmespath_error;

TEST_CASE("the JMESPath compliance suite passes whole") {
  const auto folder = tests::suite("jmespath/jmespath.test/tests");
  if (!folder) return;
  int results = 0, errors = 0;
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) files.insert(entry.path());
  for (const auto& file : files) {
    for (const auto& group : tests::read_json(file)) {
      for (const auto& c : group.at("cases")) {
        const auto expression = c.at("expression").get<std::string>();
        INFO(file.filename().string()
             << ": " << expression << " over " << group.at("given").dump().substr(0, 400));
        if (!c.contains("result") && !c.contains("error")) continue;  // a benchmark
        jmespath_error detail;
        const auto compiled = jmespath::compile(expression, &detail);
        const auto found = compiled.has_value() ? compiled->search(group.at("given"), &detail)
                                                : result<nlohmann::json>(compiled.error());
        if (c.contains("error")) {
          ++errors;
          CHECK(found.has_error());
          CHECK(std::string(name_of(detail.kind)) == c.at("error").get<std::string>());
          CHECK(detail.offset <= expression.size());
        } else {
          ++results;
          INFO((found ? "" : found.error().to_string()));
          CHECK((found && *found == c.at("result")));
        }
      }
    }
  }
  CHECK(results == 742);
  CHECK(errors == 150);
}
