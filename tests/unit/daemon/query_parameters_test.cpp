#include "daemon/query_parameters.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::daemon;

namespace {

http_request_head asking(const char* target) {
  http_request_head head;
  head.target(target);
  return head;
}

}  // namespace

TEST_CASE("parameters are decoded and checked") {
  query_parameters query(asking("/x?site=Zara+men%21&limit=7&min_price=9.5&gone=true&after=12"));
  CHECK(query.text("site") == "Zara men!");
  CHECK(query.limit() == 7);
  CHECK(query.amount("min_price") == 9.5);
  CHECK(query.flag("gone"));
  CHECK(query.after() == 12);
  CHECK_FALSE(query.text("category"));
  CHECK_FALSE(query.finish());
  CHECK(query_parameters(asking("/x")).limit() == 50);
}

TEST_CASE("what cannot be is refused by its name") {
  const auto refused = [](const char* target, auto read) {
    query_parameters query(asking(target));
    read(query);
    const auto wrong = query.finish();
    REQUIRE(wrong);
    CHECK(wrong->code == errc::invalid_argument);
    return wrong->on;
  };
  const auto limit = [](query_parameters& q) { (void)q.limit(); };
  for (const auto* target : {"/x?limit=0", "/x?limit=201", "/x?limit=", "/x?limit=1e2", "/x?limit=7x",
                             "/x?limit=99999999999999999999", "/x?limit=1&limit=2"})
    CHECK(refused(target, limit) == "parameter limit");
  CHECK(refused("/x?limt=1", limit) == "parameter limt");
  CHECK(refused("/x?site=", [](auto& q) { q.text("site"); }) == "parameter site");
  CHECK(refused("/x?site=%ff", [](auto& q) { q.text("site"); }) == "parameter site");
  CHECK(refused("/x?gone=yes", [](auto& q) { q.flag("gone"); }) == "parameter gone");
  for (const auto* target : {"/x?min_price=-1", "/x?min_price=nan", "/x?min_price=inf", "/x?min_price=2e12"})
    CHECK(refused(target, [](auto& q) { q.amount("min_price"); }) == "parameter min_price");
  CHECK(refused("/x?after=abc", [](auto& q) { q.after(); }) == "parameter after");
}
