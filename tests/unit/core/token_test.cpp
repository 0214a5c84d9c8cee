#include "core/token.hpp"

#include <set>
#include <string>

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;

TEST_CASE("tokens differ") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(make_token()->reveal());
  CHECK(seen.size() == 100);
}

TEST_CASE("same_secret is equality") {
  CHECK(same_secret("abc", "abc"));
  CHECK_FALSE(same_secret("abc", "abd"));
  CHECK_FALSE(same_secret("abc", "ab"));
  CHECK_FALSE(same_secret("", "ab"));
}
