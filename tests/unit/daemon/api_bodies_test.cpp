#include "daemon/failure_endpoints.hpp"
#include "daemon/site_endpoints.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using namespace catwalk::daemon;

TEST_CASE("dead letters are named by their numbers, or all with a filter") {
  const auto some = read_failure_choice(R"({"ids": [3, 5.0]})");
  REQUIRE(some);
  CHECK(some->ids == std::vector<std::int64_t>{3, 5});
  const auto all = read_failure_choice(R"({"all": true, "site": "Zara"})");
  REQUIRE(all);
  CHECK_FALSE(all->ids);
  CHECK(all->site == "Zara");
  CHECK_FALSE(all->code);
}

TEST_CASE("a body that does not say which dead letters it means changes none") {
  for (const auto* body :
       {"", "[]", "{}", R"({"all": false})", R"({"all": 1})", R"({"ids": []})", R"({"ids": [0]})",
        R"({"ids": ["1"]})", R"({"ids": [1.5]})", R"({"ids": [1], "all": true})",
        R"({"ids": [1], "site": "Zara"})", R"({"site": "Zara"})", R"({"all": true, "sites": "Zara"})",
        R"({"ids": [18446744073709551615]})", R"({"all": true, "site": 3})"}) {
    INFO(body);
    CHECK_FALSE(read_failure_choice(body));
  }
}

TEST_CASE("a run is asked for with an empty body, or with what it is to do") {
  const auto bare = read_run_order("");
  REQUIRE(bare);
  CHECK_FALSE(bare->sync);
  CHECK_FALSE(bare->read.limit);
  const auto asked = read_run_order(R"({"limit": 20, "refresh": true, "sync": true})");
  REQUIRE(asked);
  CHECK(asked->read.limit == 20);
  CHECK(asked->read.refresh);
  CHECK(asked->sync);
  CHECK_FALSE(asked->allow_deletes);
  CHECK(read_run_order(R"({"sync": true, "allow_deletes": 30})")->allow_deletes == 30);
  for (const auto* body :
       {"x", "[]", R"({"limit": 0})", R"({"limit": "3"})", R"({"refresh": 1})", R"({"sinc": true})",
        R"({"allow_deletes": 3})", R"({"sync": false, "allow_deletes": 3})",
        R"({"sync": true, "allow_deletes": 0})", R"({"sync": true, "allow_deletes": "all"})"}) {
    INFO(body);
    CHECK_FALSE(read_run_order(body));
  }
}
