#include "daemon/watchdog_policy.hpp"

#include "daemon/service_status.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::daemon;
using namespace std::chrono_literals;

TEST_CASE("workers that answer, or have nothing to do, are alive") {
  watchdog_policy policy(60s);
  const steady_time start{};
  for (int minute = 0; minute < 100; ++minute) CHECK(policy.alive({0, 5}, start + minute * 1min));
  for (int minute = 0; minute < 100; ++minute)
    CHECK(policy.alive({32, static_cast<std::uint64_t>(6 + minute)}, start + 100min + minute * 1min));
}

TEST_CASE("pictures that wait while none is answered are a hang, until one is") {
  watchdog_policy policy(60s);
  const steady_time start{};
  CHECK(policy.alive({1, 5}, start));
  CHECK(policy.alive({9, 5}, start + 59s));
  CHECK_FALSE(policy.alive({9, 5}, start + 60s));
  CHECK_FALSE(policy.alive({9, 5}, start + 1h));
  CHECK(policy.alive({8, 6}, start + 1h));
  CHECK(policy.alive({8, 6}, start + 1h + 59s));
  CHECK_FALSE(policy.alive({8, 6}, start + 1h + 61s));
  // Cancelled pictures leave without an answer.
  CHECK(policy.alive({0, 6}, start + 2h));
  CHECK(policy.alive({1, 6}, start + 3h));
}

TEST_CASE("a service tells what it does in one line") {
  service_status status;
  const steady_time start{};
  CHECK(status.line({}, start) == "idle");
  service_status::seen idle;
  idle.next_run = 3h + 12min + 5s;
  CHECK(status.line(idle, start) == "idle, next run in 3 h 12 min");
  CHECK(status.line({.runs = 1, .embedded = 500}, start) == "reading");
  CHECK(status.line({.runs = 1, .embedded = 500, .pending = 3100}, start) == "embedding 0 of 3,100");
  CHECK(status.line({.runs = 1, .embedded = 1740, .pending = 1860}, start + 10s) ==
        "embedding 1,240 of 3,100, 124/s");
  CHECK(status.line({.runs = 1, .embedded = 3600, .pending = 0, .rows_waiting = 1200}, start + 31s) ==
        "embedding 3,100 of 3,100, 100/s; 1,200 rows wait");
  CHECK(status.line({.embedded = 3600, .rows_waiting = 7, .parked = true}, start + 40s) ==
        "idle; 7 rows wait; the sink is parked");
  // The next piece of work counts anew.
  CHECK(status.line({.runs = 1, .embedded = 3600, .pending = 10}, start + 1h) == "embedding 0 of 10");
}
