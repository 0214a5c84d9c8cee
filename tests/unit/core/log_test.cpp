#include "core/log.hpp"

#include "core/metrics.hpp"
#include "tests/support/catch.hpp"

TEST_CASE("a concealed value appears in no text, not even inside a longer one") {
  catwalk::conceal_in_logs("canary-key-4711");
  catwalk::conceal_in_logs("canary-key-4711-long");
  CHECK(catwalk::concealed("apikey: canary-key-4711, again canary-key-4711-long.") ==
        "apikey: ***, again ***.");
  CHECK(catwalk::concealed("nothing here") == "nothing here");
}

TEST_CASE("a value too short to be a secret is left alone") {
  catwalk::conceal_in_logs("in");
  CHECK(catwalk::concealed("in stock") == "in stock");
}

TEST_CASE("metrics come in Prometheus' text format under the promised names") {
  catwalk::metrics m;
  m.products("Zara", "added").Increment(3);
  m.http_responses("Zara", 403).Increment();
  const auto text = m.text();
  CHECK(text.find("catwalk_products_total{outcome=\"added\",site=\"Zara\"} 3") != std::string::npos);
  CHECK(text.find("code=\"403\"") != std::string::npos);
  CHECK(text.find("catwalk_build_info{version=") != std::string::npos);
  CHECK(text.find("# TYPE catwalk_loop_latency_seconds histogram") != std::string::npos);
}
