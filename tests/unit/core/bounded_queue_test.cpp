#include "core/bounded_queue.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"

using queue = catwalk::bounded_queue<std::unique_ptr<std::string>>;

namespace {
auto text(const char* s) {
  return std::make_unique<std::string>(s);
}
}  // namespace

TEST_CASE("a full queue leaves the item with the caller") {
  queue q({.items = 1, .bytes = 100});
  auto a = text("a");
  auto b = text("b");
  REQUIRE(q.try_push(a, 10));
  CHECK(a == nullptr);
  REQUIRE_FALSE(q.try_push(b, 10));
  REQUIRE(b != nullptr);
  CHECK(*b == "b");
}

TEST_CASE("bytes bound the queue, but one large item passes through an empty one") {
  queue q({.items = 10, .bytes = 100});
  auto big = text("big");
  auto small = text("small");
  REQUIRE(q.try_push(big, 500));
  CHECK(q.bytes() == 500);
  REQUIRE_FALSE(q.try_push(small, 1));
  CHECK(**q.pop() == "big");
  CHECK(q.bytes() == 0);
  REQUIRE(q.try_push(small, 1));
}

TEST_CASE("producers are woken at the low mark, each once") {
  queue q({.items = 4, .bytes = 1000});
  for (int i = 0; i < 4; ++i) {
    auto v = text("x");
    REQUIRE(q.try_push(v, 1));
  }
  int woken = 0;
  q.notify_when_room(1, [&] { ++woken; });
  REQUIRE(q.pop());
  CHECK(woken == 0);
  REQUIRE(q.pop());
  CHECK(woken == 1);
  REQUIRE(q.pop());
  CHECK(woken == 1);
}

TEST_CASE("an interactive item overtakes bulk and finds room in a full queue") {
  queue q({.items = 1, .bytes = 10});
  auto bulk = text("bulk");
  auto query = text("query");
  REQUIRE(q.try_push(bulk, 10));
  REQUIRE(q.try_push(query, 10, queue::lane::interactive));
  CHECK(**q.pop() == "query");
  CHECK(**q.pop() == "bulk");
}

TEST_CASE("closing wakes producers, refuses pushes and lets consumers drain") {
  queue q({.items = 1, .bytes = 10});
  auto a = text("a");
  REQUIRE(q.try_push(a, 1));
  int woken = 0;
  q.notify_when_room(1, [&] { ++woken; });
  q.close();
  CHECK(woken == 1);
  auto b = text("b");
  CHECK_FALSE(q.try_push(b, 1));
  CHECK(b != nullptr);
  CHECK(q.pop().has_value());
  CHECK_FALSE(q.pop().has_value());
}

TEST_CASE("every item that several producers push is popped once by several consumers") {
  catwalk::bounded_queue<int> q({.items = 8, .bytes = 1000});
  std::vector<std::thread> threads;
  std::atomic<long> sum{0};
  for (int c = 0; c < 2; ++c)
    threads.emplace_back([&] {
      while (auto v = q.pop()) sum += *v;
    });
  {
    std::vector<std::thread> producers;
    for (int p = 0; p < 2; ++p)
      producers.emplace_back([&, p] {
        for (int i = 1; i <= 1000; ++i) {
          int v = p * 1000 + i;
          while (!q.try_push(v, 1)) std::this_thread::yield();
        }
      });
    for (auto& t : producers) t.join();
  }
  q.close();
  for (auto& t : threads) t.join();
  CHECK(sum == 2000L * 2001 / 2);
}

TEST_CASE("a producer whose item does not fit yet is not woken by room for a smaller one") {
  queue q({.items = 10, .bytes = 100});
  for (const std::size_t bytes : {45U, 45U}) {
    auto v = text("x");
    REQUIRE(q.try_push(v, bytes));
  }
  int woken = 0;
  q.notify_when_room(60, [&] { ++woken; });
  REQUIRE(q.pop());
  CHECK(woken == 0);
  REQUIRE(q.pop());
  CHECK(woken == 1);
}
