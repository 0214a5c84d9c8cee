// Cases of other cron libraries: DST edges by Debian's rule, and the tests of robfig/cron and fugit.
#include <map>

#include "core/cron.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using nlohmann::json;

namespace {

const time_zone utc = time_zone::find("UTC").value();

/// Why a case of another library has no bearing on catwalk; empty where it has.
std::string other_dialect(const json& c) {
  const auto expression = c.at("expr").get<std::string>();
  const auto has = [&](const char* text) { return expression.find(text) != std::string::npos; };
  if (c.at("src") == "robfig") {
    if (c.at("fields") == 6 && !expression.starts_with("0 ")) return "a seconds field";
    if (has(" */10 * Sun") || has(" */2 * Sun") || has(" */5 Apr,Aug,Oct Mon") || has(" */5 Oct Mon"))
      return "*/n in the day of month counts as a restriction; for Debian's cron it starts with * and does "
             "not";
    const auto from = c.value("from", "");
    const auto new_york = c.value("tz", "") == "America/New_York";
    if (new_york && from.starts_with("2012-03-11T00:00") && (has(" 30 2 11 Mar") || has("0 0 2 * * ?")))
      return "a time that a change skips is skipped; Debian's cron makes up for it right after";
    if (new_york &&
        (from.starts_with("2012-11-04T01:00:00-04:00") || from.starts_with("2012-11-04T01:45:00-04:00")) &&
        (has("0 0 1 * * ?") || has("30 1 04 Nov")))
      return "a repeated hour runs twice; for Debian's cron a fixed time runs once";
  } else {
    if (c.at("fields") == 6) return "a time zone as the last field";
    if (has("%")) return "every nth week";
    if (has("&")) return "day of month and of week both, marked with &";
    if (has(" -") || has("#-") || has("#L") || has("#last"))
      return "counting days from the end by negative numbers";
    if (has(" 24 ")) return "24 as an hour";
    if (has(" */2 * 1-5")) return "*/n in the day of month counts as a restriction";
  }
  return "";
}

/// fugit's "2017-01-8" and "2016-02-26 12:00".
sys_seconds read_local(std::string text, const time_zone& zone) {
  if (text.size() == 9) text.insert(8, "0");
  return zone.parse(text).value();
}

}  // namespace

TEST_CASE("cron fires over DST edges as Debian's does") {
  const auto file = tests::suite("cron/cross_table.json");
  if (!file) return;
  int cases = 0;
  const auto table = tests::read_json(*file);
  for (const auto& c : table.at("cases")) {
    INFO(c.at("expr") << " in " << c.at("tz") << " from " << c.at("from"));
    const auto expression = cron_expression::parse(c.at("expr").get<std::string>());
    const auto zone = time_zone::find(c.at("tz").get<std::string>());
    REQUIRE(expression.has_value());
    REQUIRE(zone.has_value());
    ++cases;
    auto at = zone->parse(c.at("from").get<std::string>()).value();
    for (const auto& expected : c.at("next_utc")) {
      const auto next = expression->next_after(at, *zone);
      REQUIRE(next.has_value());
      CHECK(utc.iso8601(*next).substr(0, 19) + "Z" == expected.get<std::string>());
      at = *next;
    }
  }
  CHECK(cases == 469);
}

TEST_CASE("cron agrees with the tests of robfig/cron and fugit where the dialect is the same") {
  const auto file = tests::suite("cron/robfig_fugit.json");
  if (!file) return;
  std::map<std::string, int> left_out;
  int checked = 0;
  const auto table = tests::read_json(*file);
  for (const auto& c : table.at("cases")) {
    INFO(c.dump());
    if (const auto reason = other_dialect(c); !reason.empty()) {
      ++left_out[reason];
      continue;
    }
    ++checked;
    auto text = c.at("expr").get<std::string>();
    if (c.at("fields") == 6) text = text.substr(2);
    const auto expression = cron_expression::parse(text);
    if (c.at("kind") == "invalid") {
      CHECK(expression.has_error());
      continue;
    }
    if (c.contains("next") && c.at("next").is_null()) {  // catwalk says so at once
      CHECK(expression.has_error());
      continue;
    }
    INFO((expression.has_error() ? expression.error().to_string() : ""));
    REQUIRE(expression.has_value());
    auto zone_name = c.at("tz").get<std::string>();
    if (zone_name.starts_with("fixed")) zone_name = "Asia/Kolkata";
    const auto zone = time_zone::find(zone_name).value();
    if (c.at("kind") == "activation") {
      const auto at = zone.parse(c.at("at").get<std::string>()).value();
      CHECK(expression->matches(zone.to_local(at)) == c.at("fires").get<bool>());
      CHECK((expression->next_after(at - std::chrono::seconds(1), zone) == at) == c.at("fires").get<bool>());
    } else {
      const bool local = c.contains("next_local");
      const auto from = read_local(c.at(local ? "from_local" : "from").get<std::string>(), zone);
      const auto expected = read_local(c.at(local ? "next_local" : "next").get<std::string>(), zone);
      const auto next = expression->next_after(from, zone);
      REQUIRE(next.has_value());
      CHECK(zone.iso8601(*next) == zone.iso8601(expected));
    }
  }
  std::string reasons;
  for (const auto& [reason, count] : left_out) reasons += "\n  " + std::to_string(count) + ": " + reason;
  WARN("checked " << checked << " cases, left out:" << reasons);
  CHECK(checked >= 100);
}
