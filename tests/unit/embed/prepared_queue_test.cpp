#include "embed/prepared_queue.hpp"

#include <future>
#include <memory>
#include <thread>

#include "tests/support/catch.hpp"

namespace {

using namespace catwalk::embed;
using namespace std::chrono_literals;

request_ptr request(std::uint64_t id, lane who) {
  auto r = std::make_shared<embed_request>();
  r->id = id;
  r->who = who;
  return r;
}

std::vector<std::uint64_t> ids_of(const std::optional<prepared_queue::batch>& batch) {
  std::vector<std::uint64_t> ids;
  if (batch)
    for (const auto& r : batch->run) ids.push_back(r->id);
  return ids;
}

using ids = std::vector<std::uint64_t>;

/// Calls until it says yes.
template <class Condition>
bool soon(const Condition& condition) {
  for (int tries = 0; tries < 500; ++tries) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

}  // namespace

TEST_CASE("prepared queue: a query goes to the worker for queries, bulk to the others") {
  prepared_queue queue({1, 0ms}, 8);
  auto query = std::async(std::launch::async, [&] { return ids_of(queue.pop_queries()); });
  // The other worker waits as well, and would take whatever it may.
  auto bulk = std::async(std::launch::async, [&] { return ids_of(queue.pop()); });
  REQUIRE(soon([&] { return queue.idle_query_workers() == 1; }));
  queue.push(request(1, lane::interactive));
  CHECK(query.get() == ids{1});
  queue.push(request(2, lane::bulk));
  CHECK(bulk.get() == ids{2});
}

TEST_CASE("prepared queue: while the worker for queries is busy, the others take them") {
  prepared_queue queue({4, 1h}, 8);
  auto any = std::async(std::launch::async, [&] { return ids_of(queue.pop()); });
  queue.push(request(1, lane::interactive));
  CHECK(any.get() == ids{1});
}

TEST_CASE("prepared queue: queries that come together leave together") {
  prepared_queue queue({4, 1h}, 8);
  for (std::uint64_t id = 1; id <= 6; ++id) queue.push(request(id, lane::interactive));
  CHECK(ids_of(queue.pop_queries()) == ids{1, 2, 3, 4});
  CHECK(ids_of(queue.pop()) == ids{5, 6});
}

TEST_CASE("prepared queue: once closed, what is left is handed out and every worker ends") {
  prepared_queue queue({4, 1h}, 8);
  auto query = std::async(std::launch::async, [&] { return queue.pop_queries().has_value(); });
  REQUIRE(soon([&] { return queue.idle_query_workers() == 1; }));
  queue.push(request(1, lane::bulk));
  queue.close();
  CHECK_FALSE(query.get());
  CHECK(ids_of(queue.pop()) == ids{1});
  CHECK_FALSE(queue.pop());
}
