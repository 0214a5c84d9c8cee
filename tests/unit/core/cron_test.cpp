#include "core/cron.hpp"

#include <date/tz.h>

#include <cstdlib>
#include <random>
#include <vector>

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace std::chrono_literals;

namespace {

time_zone zone(const char* name) {
  return time_zone::find(name).value();
}

cron_expression parse(std::string_view text) {
  const auto parsed = cron_expression::parse(text);
  INFO(text << ": " << (parsed.has_error() ? parsed.error().to_string() : ""));
  REQUIRE(parsed.has_value());
  return *parsed;
}

/// The next `count` times after `from`, as ISO 8601 without the seconds.
std::vector<std::string> next(std::string_view text, const char* zone_name, const char* from, int count = 3) {
  const auto z = zone(zone_name);
  const auto expression = parse(text);
  std::vector<std::string> out;
  auto at = z.parse(from).value();
  for (int i = 0; i < count; ++i) {
    const auto found = expression.next_after(at, z);
    if (!found) break;
    at = *found;
    out.push_back(z.iso8601(at).erase(16, 3));
  }
  return out;
}

std::string failure(std::string_view text) {
  const auto parsed = cron_expression::parse(text);
  REQUIRE(parsed.has_error());
  CHECK(parsed.error().code == errc::invalid_expression);
  CHECK(parsed.error().on == text);
  return parsed.error().why;
}

using times = std::vector<std::string>;

}  // namespace

TEST_CASE("cron reads expressions as people write them") {
  const auto from = "2026-01-01";  // a Thursday
  CHECK(next("0 3 * * *", "UTC", from) ==
        times{"2026-01-01T03:00+00:00", "2026-01-02T03:00+00:00", "2026-01-03T03:00+00:00"});
  CHECK(next("  5,10-12,50/4  0 * * * ", "UTC", from, 7) ==
        times{"2026-01-01T00:05+00:00", "2026-01-01T00:10+00:00", "2026-01-01T00:11+00:00",
              "2026-01-01T00:12+00:00", "2026-01-01T00:50+00:00", "2026-01-01T00:54+00:00",
              "2026-01-01T00:58+00:00"});
  CHECK(next("0 0 * * mon-WED,Sunday", "UTC", from) ==
        times{"2026-01-04T00:00+00:00", "2026-01-05T00:00+00:00", "2026-01-06T00:00+00:00"});
  CHECK(next("0 0 * * 7", "UTC", from, 1) == next("0 0 * * 0", "UTC", from, 1));
  CHECK(next("0 0 * * 5-7", "UTC", from) == next("0 0 * * fri-sun", "UTC", from));
  CHECK(next("0 0 1 feb,August *", "UTC", from, 2) ==
        times{"2026-02-01T00:00+00:00", "2026-08-01T00:00+00:00"});
  CHECK(next("0 0 L * *", "UTC", from, 2) == times{"2026-01-31T00:00+00:00", "2026-02-28T00:00+00:00"});
  CHECK(next("0 0 L-2,3 * ?", "UTC", from, 3) ==
        times{"2026-01-03T00:00+00:00", "2026-01-29T00:00+00:00", "2026-02-03T00:00+00:00"});
  CHECK(next("0 0 ? * fri#2", "UTC", from, 2) == times{"2026-01-09T00:00+00:00", "2026-02-13T00:00+00:00"});
  CHECK(next("0 0 * * 5L", "UTC", from, 2) == times{"2026-01-30T00:00+00:00", "2026-02-27T00:00+00:00"});
  CHECK(next("0 0 * * thu#5", "UTC", from, 2) == times{"2026-01-29T00:00+00:00", "2026-04-30T00:00+00:00"});
  CHECK(next("0 0 29 2 *", "UTC", "2097-01-01", 2) ==
        times{"2104-02-29T00:00+00:00", "2108-02-29T00:00+00:00"});
  CHECK(next("@daily", "UTC", from, 2) == times{"2026-01-02T00:00+00:00", "2026-01-03T00:00+00:00"});
  CHECK(next("@Midnight", "UTC", from, 1) == times{"2026-01-02T00:00+00:00"});
  CHECK(next("@hourly", "UTC", from, 1) == times{"2026-01-01T01:00+00:00"});
  CHECK(next("@weekly", "UTC", from, 1) == times{"2026-01-04T00:00+00:00"});
  CHECK(next("@monthly", "UTC", from, 1) == times{"2026-02-01T00:00+00:00"});
  CHECK(next("@yearly", "UTC", from, 1) == next("@annually", "UTC", from, 1));
}

TEST_CASE("cron takes either day field when both are given, both when one is open") {
  const auto from = "2026-01-01";
  CHECK(next("0 0 13 * fri", "UTC", from, 4) == times{"2026-01-02T00:00+00:00", "2026-01-09T00:00+00:00",
                                                      "2026-01-13T00:00+00:00", "2026-01-16T00:00+00:00"});
  CHECK(next("0 0 */12 * fri", "UTC", from, 1) == times{"2026-02-13T00:00+00:00"});
  CHECK(next("0 0 13 * ?", "UTC", from, 1) == times{"2026-01-13T00:00+00:00"});
  CHECK(next("0 0 13 * */1", "UTC", from, 1) == times{"2026-01-13T00:00+00:00"});
}

TEST_CASE("cron fires a fixed time once after a gap and once in an overlap") {
  // 02:00 to 03:00 on 29 March; 03:00 back to 02:00 on 25 October.
  CHECK(next("30 2 * * *", "Europe/Prague", "2026-03-28T12:00", 2) ==
        times{"2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"});
  CHECK(next("0 2,3 * * *", "Europe/Prague", "2026-03-28T12:00", 2) ==
        times{"2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"});
  CHECK(next("30 2 * * *", "Europe/Prague", "2026-10-24T12:00", 2) ==
        times{"2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"});
  // Asked in the second pass, what the first pass did is over.
  CHECK(next("30,45 2 * * *", "Europe/Prague", "2026-10-25T02:35:00+01:00", 1) ==
        times{"2026-10-26T02:30+01:00"});
  CHECK(next("30 1,2,3 * * *", "Europe/Prague", "2026-10-25T02:35:00+01:00", 1) ==
        times{"2026-10-25T03:30+01:00"});
}

TEST_CASE("cron follows real time where the minute or the hour is open") {
  CHECK(next("30 * * * *", "Europe/Prague", "2026-03-29T01:00") ==
        times{"2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00", "2026-03-29T04:30+02:00"});
  CHECK(next("30 * * * *", "Europe/Prague", "2026-10-25T02:00") ==
        times{"2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2026-10-25T03:30+01:00"});
  CHECK(next("*/30 2 * * *", "Europe/Prague", "2026-03-28T12:00", 1) == times{"2026-03-30T02:00+02:00"});
  CHECK(next("*/30 2 * * *", "Europe/Prague", "2026-10-25T02:30:00+02:00", 2) ==
        times{"2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00"});
}

TEST_CASE("cron never answers with the time it was asked from") {
  const auto z = zone("UTC");
  const auto expression = parse("* * * * *");
  const auto at = z.parse("2026-01-01T10:00:00Z").value();
  CHECK(expression.next_after(at, z) == at + 60s);
  CHECK(expression.next_after(at - 1s, z) == at);
  CHECK(expression.next_after(at + 59s, z) == at + 60s);
  CHECK(parse("0 10 * * *").next_after(at - 1s, z) == at);
  CHECK(parse("0 10 * * *").next_after(at, z) == at + 24h);
}

TEST_CASE("cron says which field is wrong, how, and where") {
  CHECK(failure("0 24 * * *") == "hour: 24 is not within 0-23 at column 3");
  CHECK(failure("60 * * * *") == "minute: 60 is not within 0-59 at column 1");
  CHECK(failure("0 3 0 * *") == "day of month: 0 is not within 1-31 at column 5");
  CHECK(failure("0 3 * foo *") == "month: \"foo\" is not a value of this field at column 7");
  CHECK(failure("0 3 * * 1,,2") == "day of week: a value is missing at column 11");
  CHECK(failure("0 3 * * mon#6") == "day of week: expected a number from 1 to 5 behind '#' at column 9");
  CHECK(failure("0/0 3 * * *") == "minute: a step must be a number from 1 at column 3");
  CHECK(failure("30-10 3 * * *") == "minute: the range ends before it starts at column 1");
  CHECK(failure("? 3 * * *") == "minute: '?' is only for the two day fields at column 1");
  CHECK(failure("0 3 * *") == "expected five fields, found 4 at column 8");
  CHECK(failure("0 0 3 * * *") == "expected five fields, found 6 at column 11");
  CHECK(failure("") == "expected five fields, found 0 at column 1");
  CHECK(failure("@reboot") == "unknown shorthand at column 1");
  CHECK(failure("0 0 30 feb *") == "no month of the expression has such a day at column 5");
  CHECK(failure("0 0 31 4,6 *") == "no month of the expression has such a day at column 5");
  for (const auto* text :
       {"-1 * * * *", "1- * * * *", "a * * * *", "1/ * * * *", "*/ * * * *", "* * L5 * *", "* * L-31 * *",
        "* * * * L", "* * * * #2", "1-2-3 * * * *", "1/2/3 * * * *", "** * * * *", "*5 * * * *",
        "99999999999999999999 * * * *", "+5 * * * *", "0x5 * * * *", "* * * mon *", "* * * * jan"})
    failure(text);
  parse("0 0 30 feb fri");  // Fridays
  parse("*/99999999999999999999 * * * *");
}

namespace {

/// What `next_after` must answer, minute by minute: by the rule's words and with nothing of its code.
class brute_force {
 public:
  brute_force(const cron_expression& expression, const time_zone& zone, bool real_time, sys_seconds begin)
      : expression_(expression), zone_(zone), real_time_(real_time), at_(begin - 26h) {
    local_ = highest_ = zone_.to_local(at_);
    while (at_ < begin) step();
  }

  /// Goes on by one minute; true where the job fires at it.
  bool step() {
    at_ += 60s;
    const auto stretch = zone_.at(at_);
    const auto local = local_seconds(at_.time_since_epoch() + stretch.offset);
    bool fires = false;
    if (real_time_) {
      fires = expression_.matches(local);
    } else {
      // Fixed times that the clock passed since its highest reading: one minute, none in a repeat, many over
      // a gap.
      for (auto t = highest_ + 60s; t <= local; t += 60s) fires = fires || expression_.matches(t);
      highest_ = std::max(highest_, local);
    }
    return fires;
  }
  sys_seconds at() const { return at_; }

 private:
  const cron_expression& expression_;
  const time_zone& zone_;
  bool real_time_;
  sys_seconds at_;
  local_seconds local_, highest_;
};

}  // namespace

TEST_CASE("cron agrees with a minute-by-minute search over clock changes in many zones") {
  const std::vector<std::pair<const char*, bool>> expressions{
      {"30 2 * * *", false},         {"0 0 * * *", false},     {"15,45 1-3 * * *", false},
      {"59 23 L * *", false},        {"7 */2 * * *", true},    {"*/25 2 * * *", true},
      {"10 0-23/3 13 * fri", false}, {"*/13 * * * 1-5", true}, {"0 12 1,15 */2 *", false}};
  // A sample; CATWALK_LONG_TESTS=1 takes every zone there is.
  std::vector<std::string> zones{
      "Europe/Prague",    "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe",
      "Asia/Beirut",      "Africa/Cairo",     "Africa/Casablanca", "America/Havana",
      "Pacific/Chatham",  "America/St_Johns", "Asia/Kathmandu",    "Antarctica/Troll",
      "America/Santiago", "Atlantic/Azores",  "Asia/Gaza",         "UTC"};
  if (std::getenv("CATWALK_LONG_TESTS")) {
    zones.clear();
    for (const auto& z : date::get_tzdb().zones) zones.push_back(z.name());
    CHECK(zones.size() > 300);
  }
  const auto utc = zone("UTC");
  std::mt19937 random(7);
  for (const auto& name : zones) {
    const auto z = zone(name.c_str());
    // A few days around each change of two years, and a plain stretch.
    std::vector<sys_seconds> starts{utc.parse("2026-07-10").value()};
    const auto last = utc.parse("2027-12-31").value();
    for (auto t = z.at(utc.parse("2026-01-01").value()).end; t < last; t = z.at(t).end)
      starts.push_back(t - 40h);
    for (const auto start : starts)
      for (const auto& [text, real_time] : expressions) {
        INFO(text << " in " << name << " from " << z.iso8601(start));
        const auto expression = parse(text);
        brute_force slow(expression, z, real_time, start);
        auto asked = slow.at();
        const auto end = start + 80h;
        auto expected = expression.next_after(asked, z);
        REQUIRE(expected.has_value());
        while (slow.at() < end) {
          const bool fires = slow.step();
          if (fires != (slow.at() == *expected))
            FAIL("at " << z.iso8601(slow.at()) << ", expected next " << z.iso8601(*expected));
          if (fires) {
            asked = slow.at();
            expected = expression.next_after(asked, z);
            REQUIRE(expected.has_value());
            // Asked at any second before, the answer is the same.
          } else if (random() % 64 == 0) {
            CHECK(expression.next_after(slow.at() + std::chrono::seconds(random() % 60), z) == expected);
          }
        }
      }
  }
}
