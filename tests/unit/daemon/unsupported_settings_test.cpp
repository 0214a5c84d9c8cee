#include "daemon/unsupported_settings.hpp"

#include <algorithm>

#include "config/reference.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;

TEST_CASE("the default configuration asks for nothing that is not there") {
  CHECK(daemon::unsupported_settings({}).empty());
}

TEST_CASE("a setting without effect is named with its place") {
  config::loaded loaded;
  loaded.values.fetch.browser = "ws://127.0.0.1:9222";
  loaded.given["fetch.browser"] = {"catwalk.yaml", 7, 11};
  const auto found = daemon::unsupported_settings(loaded);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == config::problem::level::warning);
  CHECK(found[0].where.line == 7);
  CHECK(found[0].what == "fetch.browser has no effect yet in this version");
}

TEST_CASE("every unsupported setting is a key that exists") {
  config::loaded loaded;
  auto& v = loaded.values;
  const auto known = config::known_settings();
  for (const auto& p : daemon::unsupported_settings(loaded)) {
    const auto key = p.what.substr(0, p.what.find(' '));
    INFO(key);
    CHECK(std::any_of(known.begin(), known.end(), [&](const auto& k) { return k.key == key; }));
  }
}
