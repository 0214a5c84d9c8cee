#include "core/time_zone.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace std::chrono_literals;

TEST_CASE("a time zone reads and writes times with their offset") {
  const auto prague = time_zone::find("Europe/Prague").value();
  const auto summer = prague.parse("2026-07-01T12:00").value();
  CHECK(prague.iso8601(summer) == "2026-07-01T12:00:00+02:00");
  CHECK(prague.parse("2026-07-01T10:00:00Z").value() == summer);
  CHECK(prague.parse("2026-07-01 06:00:00-04:00").value() == summer);
  CHECK(prague.iso8601(prague.parse("2026-12-24").value()) == "2026-12-24T00:00:00+01:00");
  CHECK(time_zone::find("America/St_Johns").value().iso8601(summer) == "2026-07-01T07:30:00-02:30");
  CHECK(time_zone::find("UTC").value().iso8601(sys_seconds(-1s)) == "1969-12-31T23:59:59+00:00");
  CHECK(prague.name() == "Europe/Prague");
  // In a gap: the moment after; repeated: the first.
  CHECK(prague.iso8601(prague.parse("2026-03-29T02:30").value()) == "2026-03-29T03:00:00+02:00");
  CHECK(prague.iso8601(prague.parse("2026-10-25T02:30").value()) == "2026-10-25T02:30:00+02:00");
  const auto stretch = prague.at(summer);
  CHECK(stretch.offset == 2h);
  CHECK(prague.iso8601(stretch.begin) == "2026-03-29T03:00:00+02:00");
  CHECK(prague.iso8601(stretch.end) == "2026-10-25T02:00:00+01:00");
}

TEST_CASE("a time zone refuses what it cannot read, and says so") {
  const auto missing = time_zone::find("Europe/Rivendell");
  REQUIRE(missing.has_error());
  CHECK(missing.error().code == errc::not_found);
  CHECK(missing.error().to_string() ==
        "there is no time zone: Europe/Rivendell (use a name of the IANA database, as Europe/Prague or UTC)");
  for (const char* slip : {"Europe/Pragu", "europe/prague", "Prague", "Asia/Prague"}) {
    INFO(slip);
    CHECK(time_zone::find(slip).error().hint == "did you mean Europe/Prague?");
  }
  const auto utc = time_zone::find("UTC").value();
  for (const auto* text :
       {"", "2026", "2026-13-01", "2026-02-30", "2026-01-01T", "2026-01-01T24:00", "2026-01-01T12",
        "2026-01-01T12:60", "2026-01-01T12:00:00+1", "2026-01-01T12:00:00Zx", "2026-1-1", "tomorrow"}) {
    INFO(text);
    CHECK(utc.parse(text).has_error());
  }
}
