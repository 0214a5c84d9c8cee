#include "scrape/visit_plan.hpp"

#include <functional>
#include <utility>

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace std::chrono_literals;
using scrape::page_look;
using scrape::visit_plan;
using step = visit_plan::step;

namespace {

/// Carries a plan out in virtual time on a page that `page` describes at each moment.
struct visit {
  explicit visit(visit_plan::limits limits) : plan(limits, now) {}

  step go(const std::function<page_look(std::chrono::milliseconds age, int scrolls)>& page) {
    for (int turns = 0; turns < 10'000; ++turns) {
      const auto action = plan.next(now);
      const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - began);
      if (action.what == step::wait) {
        REQUIRE(action.until > now);
        now = action.until;
      } else if (action.what == step::look) {
        plan.looked(page(age, scrolls), now);
      } else if (action.what == step::scroll) {
        ++scrolls;
        plan.scrolled(now);
      } else {
        took = age;
        return action.what;
      }
    }
    FAIL("the visit never ends");
    return step::wait;
  }

  steady_time began = steady_time() + 1h;
  steady_time now = began;
  visit_plan plan;
  int scrolls = 0;
  std::chrono::milliseconds took{};
};

page_look still(long wanted) {
  return {true, wanted, 100, 2000, false};
}

}  // namespace

TEST_CASE("a page at rest is scrolled twice without effect and taken") {
  visit v({60s, true});
  CHECK(v.go([](auto, int) { return still(12); }) == step::take);
  CHECK(v.scrolls == 2);
  CHECK(v.took < 3s);
}

TEST_CASE("a page that grows is scrolled six times") {
  visit v({60s, true});
  const auto grows = [](auto, int scrolls) {
    return page_look{true, 10 + scrolls, 100 + scrolls, 2000, false};
  };
  CHECK(v.go(grows) == step::take);
  CHECK(v.scrolls == 6);
}

TEST_CASE("the awaited element is waited for beyond rest, ten seconds") {
  visit late({60s, true});
  CHECK(late.go([](auto age, int) { return still(age > 6s ? 3 : 0); }) == step::take);
  CHECK(late.took > 6s);
  CHECK(late.took < 9s);
  visit never({60s, true});
  CHECK(never.go([](auto, int) { return still(0); }) == step::take);
  CHECK(never.took >= 10s);
  CHECK(never.took < 13s);
}

TEST_CASE("a selector that the browser does not know is not waited for") {
  visit v({60s, true});
  CHECK(v.go([](auto, int) { return still(-1); }) == step::take);
  CHECK(v.took < 3s);
}

TEST_CASE("a page that never rests is taken shortly before the end if it has what is awaited") {
  const auto restless = [](long wanted) {
    return [wanted](auto age, int) { return page_look{true, wanted, 100 + age.count(), 2000, false}; };
  };
  visit there({20s, true});
  CHECK(there.go(restless(5)) == step::take);
  CHECK(there.took == 18s);
  visit any({20s, false});
  CHECK(any.go(restless(0)) == step::take);
  visit missing({20s, true});
  CHECK(missing.go(restless(0)) == step::give_up);
  CHECK(missing.took == 18s);
}

TEST_CASE("a document that is never parsed is given up") {
  visit v({5s, false});
  CHECK(v.go([](auto, int) { return page_look{}; }) == step::give_up);
  CHECK(v.took == 4500ms);
}

TEST_CASE("what is being loaded is waited for, but not for ever") {
  visit v({60s, false});
  v.plan.request_started(v.now);
  CHECK(v.go([](auto, int) { return still(0); }) == step::take);
  CHECK(v.took >= 15s);  // three rests of five seconds
  visit ended({60s, false});
  ended.plan.request_started(ended.now);
  ended.plan.request_ended(ended.now);
  CHECK(ended.go([](auto, int) { return still(0); }) == step::take);
  CHECK(ended.took < 3s);
}

TEST_CASE("an error page is neither waited for nor scrolled") {
  visit v({60s, true});
  v.plan.answered(404);
  CHECK(v.go([](auto, int) { return still(0); }) == step::take);
  CHECK(v.scrolls == 0);
  CHECK(v.took < 1500ms);
}

TEST_CASE("a click on a consent button starts the rest anew") {
  visit v({60s, false});
  bool clicked = false;
  CHECK(v.go([&](auto age, int) {
    auto look = still(0);
    look.clicked = age >= 500ms && !std::exchange(clicked, clicked || age >= 500ms);
    return look;
  }) == step::take);
  CHECK(clicked);
  CHECK(v.took >= 2000ms);
}
