#include "daemon/run_json.hpp"

#include "daemon/live_status.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::daemon;
using nlohmann::json;

namespace {

told_run ended(std::int64_t id, int products, int added, std::vector<std::string> errors = {}) {
  run_report report;
  report.run = id;
  site_report site;
  site.site = "Zara";
  site.products = products;
  site.added = added;
  site.skipped = {{"no price", 3}};
  site.examples = {{"no price", "item 9"}};
  site.ended = true;
  report.sites.push_back(site);
  report.took = std::chrono::milliseconds(1500);
  report.pages_took = std::chrono::milliseconds(1000);
  storage::listed_run kept;
  kept.summary = {id,
                  "nightly",
                  from_millis(1'000),
                  from_millis(2'500),
                  storage::run_state::partly,
                  to_json(report).dump(),
                  json(errors).dump()};
  return told(std::move(kept), {});
}

}  // namespace

TEST_CASE("errors that differ in particulars alone are one group with an example") {
  const auto groups = error_groups(
      {"Zara: cannot fetch page: https://www.zara.com/a?id=1: the server answered 403",
       "Mango: cannot fetch page: https://mango.com/x: the server answered 403", "the disk is full",
       "Zara: cannot fetch page: https://www.zara.com/b: the server answered 403",
       "Zara: cannot fetch page: https://www.zara.com/b: the server answered 500"},
      {"Zara", "Mango"});
  REQUIRE(groups.size() == 4);
  CHECK(groups[0] ==
        json{{"site", "Zara"},
             {"message", "cannot fetch page: …: the server answered 403"},
             {"count", 2},
             {"example", "cannot fetch page: https://www.zara.com/a?id=1: the server answered 403"}});
  CHECK(groups[1]["site"] == "Mango");
  CHECK(groups[2]["site"].is_null());
}

TEST_CASE("a run is told of with its difference from the one before") {
  const auto now = from_millis(9'000);
  const auto run = ended(7, 100, 12, {"Zara: cannot fetch page: https://z/1: the server answered 403"});
  const auto detail = run_detail_json(run, ended(6, 90, 20), now);
  CHECK(detail["id"] == 7);
  CHECK(detail["state"] == "partly");
  CHECK(detail["new"] == 12);
  CHECK(detail["skipped"] == 3);
  CHECK(detail["seconds"] == 1.5);
  CHECK(detail["previous"]["id"] == 6);
  CHECK(detail["previous"]["products"] == 10);
  CHECK(detail["previous"]["new"] == -8);
  CHECK(detail["previous"]["errors"] == 1);
  CHECK(detail["by_site"][0]["site"] == "Zara");
  CHECK(detail["skip_groups"] ==
        json::array({{{"site", "Zara"}, {"reason", "no price"}, {"count", 3}, {"example", "item 9"}}}));
  CHECK(detail["stages"][0] == json{{"name", "pages"}, {"seconds", 1.0}});
  CHECK(run_detail_json(run, std::nullopt, now)["previous"].is_null());
}

TEST_CASE("a run that goes on is told of as far as it has come") {
  run_report report;
  report.run = 8;
  report.sites.emplace_back().site = "Zara";
  report.sites[0].products = 5;
  report.sites[0].errors = {"cannot fetch page"};
  run_under_way view{"manual", from_millis(1'000), steady_now(), run_stage::pages, false, &report, {}, {}};
  storage::listed_run kept;
  kept.summary = {8, "manual", from_millis(1'000), std::nullopt, storage::run_state::running, "{}", "[]"};
  const auto j = run_json(told(std::move(kept), {view}), from_millis(4'000));
  CHECK(j["products"] == 5);
  CHECK(j["errors"] == 1);
  CHECK(j["seconds"] == 3.0);
  CHECK(j["finished"].is_null());
  CHECK(site_run_json({1, "x", {}, {}, storage::run_state::interrupted, "{}", "[]"}, "Zara").is_null());
}

TEST_CASE("a report of an earlier version is told of without what it lacks") {
  storage::listed_run kept;
  kept.summary = {
      3, "old", from_millis(0), from_millis(10), storage::run_state::done, R"({"sites": 3})", "nonsense"};
  const auto detail = run_detail_json(told(std::move(kept), {}), std::nullopt, from_millis(20));
  CHECK(detail["products"] == 0);
  CHECK(detail["seconds"].is_null());
  CHECK(detail["stages"].empty());
}

TEST_CASE("a status differs from another in more than the time") {
  const json before{{"at", "1"}, {"uptime_seconds", 1}, {"runs", json::array()}};
  auto now = before;
  now["at"] = "2";
  CHECK_FALSE(differs(before, now));
  now["runs"].push_back(1);
  CHECK(differs(before, now));
  CHECK(differs(nullptr, now));
}
