#include "embed/thread_plan.hpp"

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/embed/tiny_model.hpp"

namespace {

using namespace catwalk;
using embed::thread_plan;

}  // namespace

TEST_CASE("thread plan: what is usual takes no more threads than there are") {
  for (int threads = 1; threads <= 64; ++threads) {
    const auto plan = embed::usual_plan(threads, 32, false);
    CAPTURE(threads);
    CHECK(plan.workers * plan.intra_op <= threads);
    CHECK(plan.workers <= 4);
    CHECK(plan.batch == 32);
  }
  CHECK((embed::usual_plan(2, 8, false) == thread_plan{2, 1, 8}));
  CHECK((embed::usual_plan(8, 8, false) == thread_plan{4, 2, 8}));
  CHECK((embed::usual_plan(8, 8, true) == thread_plan{2, 1, 8}));
}

TEST_CASE("thread plan: measured are the usual one, and others, each once") {
  CHECK((embed::plans_to_measure(1, 32) == std::vector<thread_plan>{{1, 1, 32}}));
  CHECK((embed::plans_to_measure(2, 32) == std::vector<thread_plan>{{2, 1, 32}, {1, 2, 32}}));
  CHECK((embed::plans_to_measure(8, 32) ==
         std::vector<thread_plan>{{4, 2, 32}, {8, 1, 32}, {2, 4, 32}, {1, 8, 32}}));
  for (int threads = 1; threads <= 64; ++threads)
    for (const auto& plan : embed::plans_to_measure(threads, 8)) {
      CHECK(plan.workers * plan.intra_op <= threads);
      CHECK(plan.workers >= 1);
    }
}

TEST_CASE("thread plan: another than the usual one must be faster by more than noise") {
  const thread_plan usual{2, 1, 32}, other{1, 2, 32};
  CHECK(embed::choose_plan({{usual, 100}, {other, 104}}) == usual);
  CHECK(embed::choose_plan({{usual, 100}, {other, 107}}) == other);
  CHECK(embed::choose_plan({{usual, 100}, {other, 50}}) == usual);
}

TEST_CASE("thread plan: the smallest batch that is about as fast") {
  const auto chosen = [](double of_8, double of_16, double of_32, double of_64) {
    return embed::choose_batch(
        {{{2, 1, 8}, of_8}, {{2, 1, 16}, of_16}, {{2, 1, 32}, of_32}, {{2, 1, 64}, of_64}});
  };
  CHECK(chosen(90, 98, 100, 100) == 16);
  CHECK(chosen(100, 98, 96, 90) == 8);
  CHECK(chosen(50, 60, 70, 80) == 64);
}

TEST_CASE("thread plan: a chosen one is kept for its machine alone") {
  const embed::samples::scratch_folder dir;
  const embed::kept_plans kept(dir.path / "measured.json");
  CHECK_FALSE(kept.find("this machine"));
  REQUIRE(kept.keep("this machine", {2, 1, 16}));
  REQUIRE(kept.keep("another", {1, 4, 64}));
  CHECK((kept.find("this machine") == thread_plan{2, 1, 16}));
  CHECK((kept.find("another") == thread_plan{1, 4, 64}));
  CHECK_FALSE(kept.find("a third"));
  REQUIRE(kept.keep("this machine", {1, 2, 16}));
  CHECK((kept.find("this machine") == thread_plan{1, 2, 16}));
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path), {}) == 1);
}

TEST_CASE("thread plan: a file that says something else is as none") {
  const embed::samples::scratch_folder dir;
  const auto file = dir.path / "measured.json";
  for (const char* text : {"", "[1]", "{\"m\": 5}", "{\"m\": {\"workers\": 2}}",
                           "{\"m\": {\"workers\": 0, \"intra_op\": 1, \"batch\": 8}}",
                           "{\"m\": {\"workers\": 1, \"intra_op\": 1, \"batch\": 1e9}}",
                           "{\"m\": {\"workers\": \"2\", \"intra_op\": 1, \"batch\": 8}}"}) {
    std::ofstream(file) << text;
    CAPTURE(text);
    CHECK_FALSE(embed::kept_plans(file).find("m"));
  }
  REQUIRE(embed::kept_plans(file).keep("m", {1, 1, 8}));
  CHECK(embed::kept_plans(file).find("m"));
  CHECK_FALSE(embed::kept_plans({}).find("m"));
  CHECK(embed::kept_plans({}).keep("m", {1, 1, 8}));
  CHECK_FALSE(embed::kept_plans(dir.path / "missing" / "file").keep("m", {1, 1, 8}));
}

TEST_CASE("thread plan: a machine is told from others by its cores") {
  CHECK(embed::describe_machine(2) == embed::describe_machine(2));
  CHECK(embed::describe_machine(2) != embed::describe_machine(4));
  CHECK(embed::describe_machine(2).find('\n') == std::string::npos);
}
