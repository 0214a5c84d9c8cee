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
  loaded.values.search.memory = 1'000'000;
  loaded.given["search.memory"] = {"catwalk.yaml", 7, 11};
  const auto found = daemon::unsupported_settings(loaded);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == config::problem::level::warning);
  CHECK(found[0].where.line == 7);
  CHECK(found[0].what == "search.memory has no effect yet in this version");
}

TEST_CASE("what would do something else than was asked for is an error") {
  config::loaded loaded;
  loaded.values.embed.decode = "fast";
  const auto found = daemon::unsupported_settings(loaded);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == config::problem::level::error);
}

TEST_CASE("every unsupported setting is a key that exists") {
  config::loaded loaded;
  auto& v = loaded.values;
  v.embed.decode = "fast";
  v.embed.text = "on";
  v.search.memory = 1;
  v.notify.url = "https://example.org/";
  const auto known = config::known_settings();
  for (const auto& p : daemon::unsupported_settings(loaded)) {
    const auto key = p.what.substr(0, p.what.find(' '));
    INFO(key);
    CHECK(std::any_of(known.begin(), known.end(), [&](const auto& k) { return k.key == key; }));
  }
}
