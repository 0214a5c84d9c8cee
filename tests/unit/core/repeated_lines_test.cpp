#include "core/repeated_lines.hpp"

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using catwalk::repeated_lines;
using catwalk::steady_time;

namespace {

constexpr int info = 2, warn = 3;

repeated_lines::line line(const std::string& text, int level = info) {
  return {level, text, {}};
}

int admitted(repeated_lines& lines, const repeated_lines::line& said, steady_time now, int times) {
  int written = 0;
  for (int i = 0; i < times; ++i) written += lines.admit(said, now) ? 1 : 0;
  return written;
}

}  // namespace

TEST_CASE("the same line over and over is written five times, then counted and summed up after a minute") {
  repeated_lines lines;
  const steady_time start{1h};
  CHECK(admitted(lines, line("the sink is away"), start, 1000) == 5);
  CHECK(lines.ended(start + 59s).empty());
  const auto told = lines.ended(start + 60s);
  REQUIRE(told.size() == 1);
  CHECK(told[0].left_out == 995);
  CHECK(words(told[0]) == "the sink is away (said 995 more times within a minute)");
  CHECK(lines.ended(start + 60s).empty());
  CHECK(admitted(lines, line("the sink is away"), start + 61s, 1) == 1);
}

TEST_CASE("lines that differ in text, level or run are counted each by itself") {
  repeated_lines lines;
  const steady_time now{1h};
  CHECK(admitted(lines, line("a"), now, 7) == 5);
  CHECK(admitted(lines, line("b"), now, 7) == 5);
  CHECK(admitted(lines, line("a", warn), now, 7) == 5);
  CHECK(admitted(lines, {info, "a", {12, "Zara"}}, now, 7) == 5);
  CHECK(admitted(lines, {info, "a", {13, "Zara"}}, now, 7) == 5);
  CHECK(lines.ended(now + 60s).size() == 5);
}

TEST_CASE("a line that keeps within the limit is never summed up") {
  repeated_lines lines;
  for (int minute = 0; minute < 60; ++minute) {
    const steady_time now{std::chrono::minutes(minute)};
    CHECK(admitted(lines, line("ready"), now, 5) == 5);
    CHECK(lines.ended(now + 60s).empty());
  }
}

TEST_CASE("each line's minute is its own") {
  repeated_lines lines;
  const steady_time start{1h};
  admitted(lines, line("early"), start, 6);
  admitted(lines, line("late"), start + 30s, 8);
  const auto first = lines.ended(start + 60s);
  REQUIRE(first.size() == 1);
  CHECK(words(first[0]) == "early (said 1 more time within a minute)");
  const auto second = lines.ended(start + 90s);
  REQUIRE(second.size() == 1);
  CHECK(second[0].what.text == "late");
  CHECK(second[0].left_out == 3);
}

TEST_CASE("what was left out is told at the end, too") {
  repeated_lines lines;
  admitted(lines, line("a"), steady_time{1h}, 9);
  admitted(lines, line("b"), steady_time{1h}, 2);
  const auto told = lines.rest();
  REQUIRE(told.size() == 1);
  CHECK(told[0].left_out == 4);
  CHECK(lines.rest().empty());
}

TEST_CASE("only so many lines are remembered: the others are written") {
  repeated_lines lines;
  const steady_time now{1h};
  for (std::size_t i = 0; i < repeated_lines::remembered; ++i) lines.admit(line(std::to_string(i)), now);
  CHECK(admitted(lines, line("one more"), now, 20) == 20);
  CHECK(admitted(lines, line("0"), now, 20) == 4);
  lines.ended(now + 60s);
  CHECK(admitted(lines, line("one more"), now + 60s, 20) == 5);
}
