#include "core/schedule.hpp"

#include <map>
#include <random>

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace std::chrono_literals;

namespace {

using overlap = scheduled_job::overlap_policy;
using fired_slots = std::map<std::string, std::vector<sys_seconds>>;

const time_zone utc = time_zone::find("UTC").value();

sys_seconds at(std::string_view text) {
  return utc.parse(text).value();
}

scheduled_job job(const char* cron, const char* name = "nightly") {
  return {name, cron_expression::parse(cron).value(), utc, 0s, true, overlap::skip, true};
}

/// "nightly 2026-01-02T03:00" with "!" behind it where it makes up for something.
std::vector<std::string> shown(const schedule::decision& d) {
  std::vector<std::string> out;
  for (const auto& f : d.fire)
    out.push_back(f.job + " " + utc.iso8601(f.slot).substr(0, 16) + (f.makes_up ? "!" : ""));
  return out;
}

std::vector<std::string> left_out(const schedule::decision& d) {
  static const char* const reasons[] = {"still_running", "missed", "replaced"};
  std::vector<std::string> out;
  for (const auto& s : d.skip)
    out.push_back(utc.iso8601(s.slot).substr(0, 16) + " " + reasons[static_cast<std::size_t>(s.why)]);
  return out;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("the schedule fires each slot when it comes and says when to ask again") {
  schedule s({job("0 3 * * *"), job("30 * * * *", "hourly")}, {}, at("2026-01-01T12:00"));
  auto d = s.tick(at("2026-01-01T12:00"));
  CHECK(shown(d).empty());
  CHECK(d.wake_at == at("2026-01-01T12:30"));
  CHECK(shown(s.tick(at("2026-01-01T12:29:59"))).empty());
  d = s.tick(at("2026-01-01T12:30:01"));
  CHECK(shown(d) == texts{"hourly 2026-01-01T12:30"});
  CHECK(d.wake_at == at("2026-01-01T13:30"));
  CHECK(shown(s.tick(at("2026-01-01T12:30:02"))).empty());
  s.finished("hourly", at("2026-01-01T12:31"));
  CHECK(s.next_due("nightly") == at("2026-01-02T03:00"));
  CHECK_FALSE(s.next_due("unknown").has_value());
}

TEST_CASE("after downtime the schedule catches up once, or not at all") {
  const fired_slots fired{{"nightly", {at("2026-01-01T03:00")}}};
  const auto now = at("2026-01-05T10:00");
  {
    schedule s({job("0 3 * * *")}, fired, now);
    auto d = s.tick(now);
    CHECK(shown(d) == texts{"nightly 2026-01-05T03:00!"});
    CHECK(d.wake_at == at("2026-01-06T03:00"));
    d = s.finished("nightly", now + 1h);
    CHECK(shown(d).empty());
  }
  {
    auto j = job("0 3 * * *");
    j.catch_up = false;
    schedule s({j}, fired, now);
    const auto d = s.tick(now);
    CHECK(shown(d).empty());
    CHECK(left_out(d) == texts{"2026-01-05T03:00 missed"});
    CHECK(shown(s.tick(at("2026-01-06T03:00:30"))) == texts{"nightly 2026-01-06T03:00"});
  }
  // Down over nothing, and a job that never ran.
  schedule s({job("0 3 * * *"), job("0 4 * * *", "new")}, {{"nightly", {at("2026-01-05T03:00")}}}, now);
  CHECK(shown(s.tick(now)).empty());
}

TEST_CASE("a year of missed minutes costs one run and no time") {
  schedule s({job("* * * * *")}, {{"nightly", {at("2025-01-01T00:00")}}}, at("2026-01-01T00:00:30"));
  const auto began = std::chrono::steady_clock::now();
  CHECK(shown(s.tick(at("2026-01-01T00:00:30"))) == texts{"nightly 2026-01-01T00:00"});
  CHECK(std::chrono::steady_clock::now() - began < 1s);
}

TEST_CASE("a slot that comes while the job runs is skipped, or waits") {
  const auto start = at("2026-01-01T00:00");
  {
    schedule s({job("0 * * * *")}, {}, start);
    CHECK(shown(s.tick(start + 1h)).size() == 1);
    auto d = s.tick(start + 2h);
    CHECK(shown(d).empty());
    CHECK(left_out(d) == texts{"2026-01-01T02:00 still_running"});
    CHECK(shown(s.finished("nightly", start + 2h + 5min)).empty());
    CHECK(shown(s.tick(start + 3h)) == texts{"nightly 2026-01-01T03:00"});
  }
  auto j = job("0 * * * *");
  j.overlap = overlap::queue;
  schedule s({j}, {}, start);
  CHECK(shown(s.tick(start + 1h)).size() == 1);
  CHECK(shown(s.tick(start + 2h)).empty());
  CHECK(left_out(s.tick(start + 3h)) == texts{"2026-01-01T02:00 replaced"});
  CHECK(shown(s.finished("nightly", start + 3h + 5min)) == texts{"nightly 2026-01-01T03:00!"});
  CHECK(shown(s.finished("nightly", start + 3h + 10min)).empty());
  CHECK(shown(s.tick(start + 4h)) == texts{"nightly 2026-01-01T04:00"});
  // Still running at the next slot, ended in the same second.
  const auto d = s.finished("nightly", start + 5h);
  CHECK(shown(d) == texts{"nightly 2026-01-01T05:00"});
}

TEST_CASE("a run that somebody started by hand counts as running") {
  const auto start = at("2026-01-01T00:00");
  schedule s({job("0 * * * *")}, {}, start);
  s.started("nightly");
  CHECK(left_out(s.tick(start + 1h)) == texts{"2026-01-01T01:00 still_running"});
  s.finished("nightly", start + 90min);
  s.finished("nightly", start + 90min);
  s.finished("unknown", start + 90min);
  CHECK(shown(s.tick(start + 2h)) == texts{"nightly 2026-01-01T02:00"});
}

TEST_CASE("a clock that goes back fires nothing twice and loses nothing") {
  const auto start = at("2026-01-01T00:00");
  schedule s({job("0 * * * *")}, {}, start);
  CHECK(shown(s.tick(start + 1h)) == texts{"nightly 2026-01-01T01:00"});
  s.finished("nightly", start + 1h + 10min);
  auto d = s.tick(start + 30min);
  CHECK(shown(d).empty());
  CHECK(d.wake_at == start + 2h);
  CHECK(shown(s.tick(start + 1h + 30s)).empty());
  CHECK(shown(s.tick(start + 2h)) == texts{"nightly 2026-01-01T02:00"});
}

TEST_CASE("a clock that was years ahead for a while does not silence a job") {
  const auto start = at("2026-01-01T00:00");
  schedule s({job("0 3 * * *")}, {{"nightly", {at("2025-12-31T03:00")}}}, start);
  CHECK(shown(s.tick(at("2030-06-01T12:00"))) == texts{"nightly 2030-06-01T03:00!"});
  s.finished("nightly", at("2030-06-01T12:10"));
  CHECK(s.tick(start + 10min).wake_at == start + 3h);
  CHECK(shown(s.tick(start + 3h)) == texts{"nightly 2026-01-01T03:00"});
  // Also where the process was started anew after that.
  schedule again({job("0 3 * * *")}, {{"nightly", {at("2025-12-31T03:00"), at("2030-06-01T03:00")}}}, start);
  CHECK(again.tick(start).wake_at == start + 3h);
  schedule ahead_only({job("0 3 * * *")}, {{"nightly", {at("2030-06-01T03:00")}}}, start);
  CHECK(ahead_only.tick(start).wake_at == start + 3h);
}

TEST_CASE("jitter delays each slot by the same amount every time, before the next slot") {
  auto j = job("*/10 * * * *");
  j.jitter = 1h;
  const auto start = at("2026-01-01T00:00");
  schedule s({j}, {}, start), same({j}, {}, start);
  std::set<std::chrono::seconds> delays;
  auto now = start;
  for (int i = 1; i <= 50; ++i) {
    const auto slot = start + i * 10min;
    const auto wake = s.tick(now).wake_at;
    REQUIRE(wake.has_value());
    CHECK(wake == same.tick(now).wake_at);
    CHECK(*wake >= slot);
    CHECK(*wake < slot + 10min);
    CHECK(s.tick(*wake - 1s).fire.empty());
    const auto d = s.tick(*wake);
    REQUIRE(d.fire.size() == 1);
    CHECK(d.fire[0].slot == slot);
    CHECK_FALSE(d.fire[0].makes_up);
    same.tick(*wake);
    now = *wake;
    s.finished("nightly", now);
    same.finished("nightly", now);
    delays.insert(*wake - slot);
  }
  CHECK(delays.size() > 25);
}

TEST_CASE("a new list of jobs keeps what goes on and starts the rest from now") {
  const auto start = at("2026-01-01T00:00");
  auto off = job("0 * * * *", "off");
  off.enabled = false;
  schedule s({job("0 * * * *", "kept"), off, job("0 * * * *", "moved"), job("0 * * * *", "gone")}, {}, start);
  CHECK_FALSE(s.next_due("off").has_value());
  CHECK(shown(s.tick(start + 30min)).empty());
  // Nobody looked for two hours; then the configuration changes.
  const auto now = start + 2h + 5min;
  s.replace_jobs({job("0 * * * *", "kept"), job("0 * * * *", "off"), job("30 * * * *", "moved"),
                  job("0 * * * *", "new")},
                 now);
  CHECK(shown(s.tick(now)) == texts{"kept 2026-01-01T02:00!"});
  CHECK(shown(s.tick(start + 3h)) ==
        texts{"off 2026-01-01T03:00", "moved 2026-01-01T02:30!", "new 2026-01-01T03:00"});
}

TEST_CASE("whatever the clock does, no slot fires twice, and one run at most makes up for what passed") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    auto j = job(pick(2) ? "*/7 * * * *" : "15 */2 * * *");
    j.jitter = std::chrono::seconds(pick(600));
    j.overlap = pick(2) ? overlap::queue : overlap::skip;
    auto now = at("2026-03-01T00:00");
    auto s = schedule({j}, {}, now);
    std::vector<sys_seconds> fired;
    bool running = false;
    auto highest = now;
    const auto see = [&](const schedule::decision& d) {
      highest = std::max(highest, now);
      REQUIRE(d.fire.size() <= 1);
      for (const auto& f : d.fire) {
        CHECK_FALSE(running);
        CHECK(f.slot <= highest);  // what waited may fire when the clock has gone back
        CHECK(std::count(fired.begin(), fired.end(), f.slot) == 0);
        CHECK(j.cron.matches(utc.to_local(f.slot)));
        fired.push_back(f.slot);
        running = true;
      }
      REQUIRE(d.wake_at.has_value());
    };
    for (int step = 0; step < 2000; ++step) {
      switch (pick(12)) {
        case 0:
          now -= std::chrono::minutes(pick(300));
          break;
        case 1:
          now += std::chrono::minutes(pick(3000));
          break;
        case 2:  // a restart, which ends the run
          s = schedule({j}, {{j.name, fired}}, now);
          running = false;
          break;
        case 3:
        case 4:
        case 5:
          if (running) {
            running = false;
            see(s.finished(j.name, now));
          }
          break;
        default:
          now += std::chrono::seconds(pick(400));
          break;
      }
      see(s.tick(now));
    }
    CHECK(fired.size() > 100);

    // From here on the clock behaves: each slot that no clock has seen yet fires, exactly once.
    if (running) {
      running = false;
      see(s.finished(j.name, now));
    }
    running = false;
    s = schedule({j}, {{j.name, fired}}, now);
    see(s.tick(now));
    const auto end = now + 24h;
    const auto before = fired.size();
    auto slot = j.cron.next_after(now, utc);
    std::size_t expected = 0;
    for (; slot && *slot <= end - 2h; slot = j.cron.next_after(*slot, utc))
      expected += std::count(fired.begin(), fired.end(), *slot) == 0;
    for (; now < end; now += 20s) {
      see(s.tick(now));
      if (running) {
        running = false;
        see(s.finished(j.name, now));
      }
    }
    CHECK(fired.size() - before >= expected);
  }
}
