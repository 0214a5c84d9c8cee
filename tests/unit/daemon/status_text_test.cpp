#include "daemon/status_text.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::daemon;

TEST_CASE("a status is told in words") {
  const auto health = nlohmann::json::parse(R"({
    "version": "1.2.3", "uptime_seconds": 11520, "status": "degraded", "runs_active": 1,
    "reasons": ["the sink is parked: 401"],
    "model": {"name": "clip-vit-b-32", "dim": 512, "untrained": false},
    "images": {"embedded": 1240, "failed": 3, "pending": 1860},
    "outbox": {"waiting": 12, "sent": 3100, "dead": 0, "last_error": "Invalid API key"},
    "sites": {"Zara": {"products": 3100, "vectors": 3050, "last_success": 1000, "next_run": 9000},
              "Shut": {"products": 7, "last_success": 1000, "next_run": 9000, "paused": 8000,
                       "blocked": {"since": 7000, "seen": "403 three times"}},
              "New": {"products": 0, "last_success": null}},
    "notify": {"waiting": 4, "told": 9, "last_error": "no connection"}})");
  const auto text = status_text(health, from_millis(8'200'000));
  for (const auto* part :
       {"1.2.3, up 3 h 12 min", "degraded", "the sink is parked: 401", "clip-vit-b-32 (512 numbers)",
        "1 under way", "1,240 embedded, 3 failed, 1,860 to do", "12 waiting, 3,100 sent, 0 refused",
        "Invalid API key", "3,100 products, 3,050 vectors, read 2 h 0 min ago, next in 13 min 20 s",
        "never read to its end", "blocked: 403 three times, paused\n", "4 waiting, 9 told",
        "no connection"}) {
    INFO(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("an answer of another shape is no crash") {
  for (const auto* body :
       {"{}", R"({"sites": {"a": 1}, "reasons": [1], "outbox": 7, "model": {"dim": "x"}, "notify": 3})"})
    CHECK_FALSE(status_text(nlohmann::json::parse(body), {}).empty());
}

TEST_CASE("numbers have commas") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1000) == "1,000");
  CHECK(with_commas(-1234567) == "-1,234,567");
}
