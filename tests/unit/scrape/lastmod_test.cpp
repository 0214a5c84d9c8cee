#include "scrape/lastmod.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace std::chrono;

namespace {

constexpr wall_time at(year_month_day date, hours hour = hours(0), minutes minute = minutes(0)) {
  return sys_days(date) + hour + minute;
}

}  // namespace

TEST_CASE("a lastmod is read as the latest moment that it can mean") {
  using scrape::latest_change;
  CHECK(latest_change("2026-01-02T10:20:30Z") == at(2026y / 1 / 2, hours(10), minutes(20)) + seconds(31));
  CHECK(latest_change("2026-01-02T10:20+02:00") == at(2026y / 1 / 2, hours(8), minutes(21)));
  CHECK(latest_change("2026-01-02T10:20:00.123-0530") ==
        at(2026y / 1 / 2, hours(15), minutes(50)) + seconds(1));
  CHECK(latest_change("2026-01-02") == at(2026y / 1 / 3, hours(12)));
  CHECK(latest_change("2026-01-02 10:20:00") == at(2026y / 1 / 2, hours(22), minutes(20)) + seconds(1));
  for (const char* none :
       {"", "2026", "2026-01", "2026-13-01", "2026-02-30", "now", "02.01.2026", "2026-01-02T1:2",
        "2026-01-02T10:20:30X", "2026-01-02T25:00Z", "2026-01-02T10:20+1"}) {
    INFO(none);
    CHECK_FALSE(latest_change(none));
  }
}

TEST_CASE("a page is skipped only where it was read after its last change, and not for ever") {
  const wall_time read = at(2026y / 3 / 10, hours(12));
  const auto skipped = [&](const char* lastmod, hours later = hours(24)) {
    return scrape::unchanged_since(lastmod, read, read + later);
  };
  CHECK(skipped("2026-03-08"));
  CHECK(skipped("2026-03-10T11:00:00Z"));
  CHECK_FALSE(skipped("2026-03-10T11:55:00Z"));  // the clocks may differ
  CHECK_FALSE(skipped("2026-03-10"));            // it may have changed in the evening
  CHECK_FALSE(skipped("2026-03-11T00:00:00Z"));
  CHECK_FALSE(skipped(""));
  CHECK_FALSE(skipped("2026-03-08", hours(24 * 8)));
  CHECK_FALSE(skipped("2026-03-08", hours(-1)));  // read in the future: the clock was set back
}
