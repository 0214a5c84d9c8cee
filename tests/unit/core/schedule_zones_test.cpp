#include <date/tz.h>

#include <algorithm>
#include <iostream>

#include "core/schedule.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using namespace std::chrono_literals;

namespace {

/// Two years each: what rules say of the years to come, and years in which Samoa skipped a day, and Morocco
/// and Egypt changed their clocks four times.
struct span {
  const char* from;
  const char* to;
};
constexpr span spans[] = {{"2025-06-01", "2027-06-01"}, {"2010-06-01", "2012-06-01"}};

std::vector<std::string> all_zones() {
  std::vector<std::string> names;
  for (const auto& zone : date::get_tzdb().zones) names.push_back(zone.name());
  return names;
}

sys_seconds utc(const char* day) {
  static const auto zone = time_zone::find("UTC").value();
  return zone.parse(day).value();
}

/// Everything that the schedule fires from `from` up to `to`, when it is asked as the daemon asks it; each
/// run ends a minute later.
std::vector<sys_seconds> fired(const time_zone& zone, const char* cron, sys_seconds from, sys_seconds to) {
  schedule s({{"job", cron_expression::parse(cron).value(), zone, 0s, true,
               scheduled_job::overlap_policy::skip, true}},
             {}, from);
  std::vector<sys_seconds> slots;
  auto now = from;
  for (;;) {
    auto decision = s.tick(now);
    for (const auto& firing : decision.fire) {
      REQUIRE_FALSE(firing.makes_up);
      slots.push_back(firing.slot);
      decision = s.finished("job", now + 60s);
      REQUIRE(decision.fire.empty());
    }
    REQUIRE(decision.skip.empty());
    if (!decision.wake_at || *decision.wake_at >= to) return slots;
    now = *decision.wake_at;
  }
}

/// A fixed time of day, by the time zone library's own word on what local times are: once a day, after the
/// gap where clocks skip it, the first of two where they repeat it.
std::vector<sys_seconds> expected_daily(const date::time_zone& zone, std::chrono::seconds time_of_day,
                                        sys_seconds from, sys_seconds to) {
  std::vector<sys_seconds> slots;
  const auto first = date::floor<date::days>(date::local_seconds(from.time_since_epoch())) - date::days(2);
  for (auto day = first; sys_seconds(day.time_since_epoch()) < to + 48h; day += date::days(1)) {
    const auto info = zone.get_info(date::local_seconds(day.time_since_epoch() + time_of_day));
    const auto local = day.time_since_epoch() + time_of_day;
    sys_seconds slot{};
    if (info.result == date::local_info::nonexistent)
      slot = sys_seconds(info.first.end.time_since_epoch());
    else
      slot = sys_seconds(local - info.first.offset);
    // Two days that fall to one moment (a day that was skipped) are one firing.
    if (slot > from && slot < to && (slots.empty() || slots.back() != slot)) slots.push_back(slot);
  }
  return slots;
}

/// Every sixth hour at 7 past, which follows real time: stretch by stretch of one offset.
std::vector<sys_seconds> expected_every_six_hours(const time_zone& zone, sys_seconds from, sys_seconds to) {
  std::vector<sys_seconds> slots;
  for (auto at = from; at < to;) {
    const auto stretch = zone.at(at);
    const auto end = std::min(stretch.end, to);
    const auto local = (at + stretch.offset).time_since_epoch();
    auto next = std::chrono::floor<std::chrono::days>(local) + 7min;
    while (next < local) next += 6h;
    for (auto slot = sys_seconds(next - stretch.offset); slot < end; slot += 6h)
      if (slot > from) slots.push_back(slot);
    at = end;
  }
  return slots;
}

}  // namespace

TEST_CASE("in every zone, over two years, each firing comes once and none is lost") {
  std::size_t firings = 0;
  for (const auto& name : all_zones()) {
    INFO(name);
    const auto zone = time_zone::find(name);
    REQUIRE(zone);
    const auto& reference = *date::locate_zone(name);
    for (const auto& [from, to] : spans) {
      INFO(from);
      for (const auto& [cron, time_of_day] :
           {std::pair("0 3 * * *", 3h + 0min), std::pair("30 2 * * *", 2h + 30min),
            std::pair("15 0 * * *", 0h + 15min)}) {
        INFO(cron);
        const auto slots = fired(*zone, cron, utc(from), utc(to));
        REQUIRE(slots == expected_daily(reference, time_of_day, utc(from), utc(to)));
        firings += slots.size();
      }
      const auto slots = fired(*zone, "7 */6 * * *", utc(from), utc(to));
      REQUIRE(slots == expected_every_six_hours(*zone, utc(from), utc(to)));
      firings += slots.size();
    }
  }
  std::cout << all_zones().size() << " zones, two years each: " << firings
            << " firings, each exactly once by Debian cron's rule\n";
  CHECK(firings > 1'000'000);
}

TEST_CASE("an interrupted run fires again at once, also where the job does not catch up") {
  const auto zone = time_zone::find("UTC").value();
  const auto cron = cron_expression::parse("0 3 * * *").value();
  const auto three = utc("2026-01-02") + 3h;
  for (const bool catch_up : {true, false}) {
    schedule s({{"job", cron, zone, 0s, catch_up, scheduled_job::overlap_policy::skip, true}},
               {{"job", {three - 24h}}}, three + 30min, {{"job", three}});
    const auto first = s.tick(three + 30min);
    REQUIRE(first.fire.size() == 1);
    CHECK(first.fire[0].slot == three);
    CHECK(first.fire[0].goes_on);
    CHECK(first.skip.empty());
    CHECK(s.tick(three + 31min).fire.empty());
    CHECK(s.finished("job", three + 1h).fire.empty());
    const auto next = s.tick(three + 24h);
    REQUIRE(next.fire.size() == 1);
    CHECK_FALSE(next.fire[0].goes_on);
  }
}

TEST_CASE("a run that was interrupted days ago makes up for what was missed since") {
  const auto zone = time_zone::find("UTC").value();
  const auto cron = cron_expression::parse("0 3 * * *").value();
  const auto three = utc("2026-01-02") + 3h;
  schedule s({{"job", cron, zone, 0s, true, scheduled_job::overlap_policy::skip, true}}, {},
             three + 72h + 30min, {{"job", three}});
  const auto first = s.tick(three + 72h + 30min);
  REQUIRE(first.fire.size() == 1);
  CHECK(first.fire[0].slot == three);
  CHECK(first.skip.empty());
  CHECK(s.finished("job", three + 73h).fire.empty());
}
