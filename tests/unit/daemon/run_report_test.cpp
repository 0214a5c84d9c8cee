#include "daemon/run_report.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk::daemon;

namespace {

run_report whole() {
  run_report r;
  site_report s;
  s.site = "Zara";
  s.products = 12;
  s.added = 12;
  s.endpoints = s.endpoints_complete = 2;
  r.sites.push_back(s);
  r.sites.push_back(s);
  return r;
}

}  // namespace

TEST_CASE("a run is complete when every listing was read to its end and nothing failed") {
  CHECK(whole().complete());
  CHECK(whole().products() == 24);
  CHECK(whole().sum(&site_report::added) == 24);

  auto r = whole();
  r.sites[1].endpoints_complete = 1;
  CHECK_FALSE(r.complete());
  r.sites[1].limited = true;
  CHECK(r.complete());

  r = whole();
  r.images_failed = 1;
  CHECK_FALSE(r.complete());
  r = whole();
  r.rows_waiting = 1;
  CHECK_FALSE(r.complete());
  r = whole();
  r.rows_dead = 1;
  CHECK_FALSE(r.complete());
  r = whole();
  r.sites[0].errors.push_back("blocked");
  CHECK_FALSE(r.complete());
}

TEST_CASE("the report's JSON carries what was skipped, by reason") {
  auto r = whole();
  r.sites[0].skipped["no price"] = 3;
  const auto j = to_json(r);
  CHECK(j.at("sites").at(0).at("skipped").at("no price") == 3);
  CHECK(r.skipped() == 3);
}
