#include "scrape/host_throttle.hpp"

#include "scrape/lane_gate.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::scrape;
using namespace std::chrono_literals;

namespace {
const steady_time t0{1000s};
}

TEST_CASE("requests to a host are apart by the delay and its jitter") {
  host_throttle host(1);
  REQUIRE(host.next_start());
  CHECK(*host.next_start() <= t0);
  host.started(t0, 1s, 0.0);
  CHECK_FALSE(host.next_start());
  host.finished(t0, t0 + 200ms, request_outcome::answered, {});
  CHECK(*host.next_start() == t0 + 1s);
  host.started(t0 + 1s, 1s, 1.0);
  host.finished(t0 + 1s, t0 + 5s, request_outcome::answered, {});
  CHECK(*host.next_start() == t0 + 2500ms);
}

TEST_CASE("a complaint halves the rate, answers give it back slowly") {
  host_throttle host(8);
  const auto one = [&](steady_time at, request_outcome outcome) {
    host.started(at, 1s, 0.0);
    host.finished(at, at + 1ms, outcome, {});
  };
  one(t0, request_outcome::overloaded);
  CHECK(host.rate() == 0.5);
  one(t0 + 10s, request_outcome::overloaded);
  CHECK(host.rate() == 0.25);
  one(t0 + 20s, request_outcome::failed);
  CHECK(host.rate() == 0.25);
  // At a quarter of the rate the delay is four times as long, and two of the eight places are open.
  one(t0 + 30s, request_outcome::failed);
  CHECK(*host.next_start() == t0 + 30s + 4s + 750ms);
  host.started(t0 + 40s, 0s, 0.0);
  host.started(t0 + 40s, 0s, 0.0);
  CHECK_FALSE(host.next_start());
  host.finished(t0 + 40s, t0 + 41s, request_outcome::answered, {});
  host.finished(t0 + 40s, t0 + 41s, request_outcome::answered, {});
  CHECK(host.rate() == Approx(0.35));
  for (int i = 0; i < 20; ++i) one(t0 + 100s + i * 10s, request_outcome::answered);
  CHECK(host.rate() == 1.0);
}

TEST_CASE("requests that were in flight together slow the host down once") {
  host_throttle host(8);
  for (int i = 0; i < 8; ++i) host.started(t0, 0s, 0.0);
  for (int i = 0; i < 8; ++i) host.finished(t0, t0 + 1s, request_outcome::overloaded, {});
  CHECK(host.rate() == 0.5);
  for (int i = 0; i < 100; ++i) {
    const auto at = t0 + 10s + i * 60s;
    host.started(at, 0s, 0.0);
    host.finished(at, at + 1s, request_outcome::overloaded, {});
  }
  CHECK(host.rate() == 1.0 / 64);
  CHECK(host.in_flight() == 0);
}

TEST_CASE("a host that answers ever more slowly is asked less often, until it recovers") {
  host_throttle host(8);
  auto now = t0;
  const auto one = [&](std::chrono::milliseconds latency) {
    host.started(now, 0s, 0.0);
    host.finished(now, now + latency, request_outcome::answered, {});
    now += 1min;
  };
  // That answers differ, as those of pages and pictures do, is no sign of trouble.
  for (int i = 0; i < 100; ++i) one(i % 3 == 0 ? 900ms : 100ms);
  CHECK(host.rate() == 1.0);
  for (int i = 0; i < 4; ++i) one(8s);
  CHECK(host.rate() < 0.8);
  CHECK(host.rate() > 0.3);
  for (int i = 0; i < 60; ++i) one(200ms);
  CHECK(host.rate() == 1.0);
  // A host that is slow from its first answer on is as it is.
  host_throttle slow(1);
  for (int i = 0; i < 20; ++i) {
    slow.started(now, 0s, 0.0);
    slow.finished(now, now + 9s, request_outcome::answered, {});
    now += 1min;
  }
  CHECK(slow.rate() == 1.0);
}

TEST_CASE("a pause that the host asks for holds every request") {
  host_throttle host(8);
  host.started(t0, 0s, 0.0);
  host.finished(t0, t0 + 1s, request_outcome::overloaded, 90s);
  CHECK(*host.next_start() == t0 + 91s);
  CHECK_FALSE(host.idle(t0 + 2s));
}

TEST_CASE("the lane and its hosts have limits, and each host a line") {
  lane_gate gate(3, 2);
  const auto a1 = gate.join("a"), a2 = gate.join("a"), a3 = gate.join("a");
  const auto b1 = gate.join("b"), b2 = gate.join("b");
  CHECK_FALSE(gate.ask(a2, t0, 0ms, 0).go);  // a1 came first
  CHECK(gate.ask(a1, t0, 0ms, 0).go);
  CHECK(gate.ask(a2, t0, 0ms, 0).go);
  const auto third = gate.ask(a3, t0, 0ms, 0);
  CHECK_FALSE(third.go);  // two at once for one host
  CHECK_FALSE(third.at);
  CHECK(gate.ask(b1, t0, 0ms, 0).go);
  CHECK_FALSE(gate.ask(b2, t0, 0ms, 0).go);  // three at once in all
  gate.finish(a1, t0 + 1s, request_outcome::answered, {});
  CHECK(gate.ask(b2, t0 + 1s, 0ms, 0).go);
  CHECK_FALSE(gate.ask(a3, t0 + 1s, 0ms, 0).go);
  gate.finish(b1, t0 + 1s, request_outcome::answered, {});
  CHECK(gate.ask(a3, t0 + 1s, 0ms, 0).go);
  CHECK(gate.in_flight() == 3);
}

TEST_CASE("the gate says when to ask again") {
  lane_gate gate(8, 1);
  const auto first = gate.join("a");
  REQUIRE(gate.ask(first, t0, 2s, 0.0).go);
  const auto second = gate.join("a");
  CHECK_FALSE(gate.ask(second, t0, 2s, 0.0).at);
  gate.finish(first, t0 + 100ms, request_outcome::answered, {});
  const auto verdict = gate.ask(second, t0 + 100ms, 2s, 0.0);
  CHECK_FALSE(verdict.go);
  CHECK(verdict.at == t0 + 2s);
  CHECK(gate.ask(second, t0 + 2s, 2s, 0.0).go);
}

TEST_CASE("who leaves makes room, in the line and in flight") {
  lane_gate gate(1, 1);
  const auto first = gate.join("a"), second = gate.join("a"), third = gate.join("a");
  REQUIRE(gate.ask(first, t0, 0ms, 0).go);
  gate.leave(second, t0);
  gate.leave(first, t0);
  CHECK(gate.in_flight() == 0);
  CHECK(gate.ask(third, t0, 0ms, 0).go);
  gate.leave(third, t0);
  gate.leave(third, t0);
}

TEST_CASE("hosts at rest are forgotten") {
  lane_gate gate(1, 1);
  for (int i = 0; i < 1000; ++i) {
    const auto one = gate.join("host" + std::to_string(i));
    REQUIRE(gate.ask(one, t0 + i * 1s, 10ms, 0).go);
    gate.finish(one, t0 + i * 1s, request_outcome::answered, {});
  }
  CHECK(gate.hosts() <= 257);
}
