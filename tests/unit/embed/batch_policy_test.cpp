#include "embed/batch_policy.hpp"

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using catwalk::steady_time;
using catwalk::embed::batch_policy;
using catwalk::embed::lane;
using catwalk::embed::taking;
using ids = std::vector<batch_policy::item_id>;

namespace {

const steady_time start{};

batch_policy policy(std::size_t size = 4) {
  return batch_policy({size, 20ms, 60'000ms});
}

}  // namespace

TEST_CASE("batch policy: nothing in, nothing out") {
  auto p = policy();
  const auto s = p.next(start);
  CHECK(s.batch.empty());
  CHECK(s.wake == steady_time::max());
}

TEST_CASE("batch policy: a full batch leaves at once, in order, the rest waits") {
  auto p = policy();
  for (batch_policy::item_id i = 1; i <= 5; ++i) p.add(i, lane::bulk, start + i * 1ms);
  CHECK(p.next(start + 5ms).batch == ids{1, 2, 3, 4});
  const auto s = p.next(start + 5ms);
  CHECK(s.batch.empty());
  CHECK(s.wake == start + 25ms);
}

TEST_CASE("batch policy: a partial batch leaves when its oldest item is old enough, not before") {
  auto p = policy();
  p.add(1, lane::bulk, start);
  p.add(2, lane::bulk, start + 15ms);
  CHECK(p.next(start + 19ms).batch.empty());
  CHECK(p.next(start + 20ms).batch == ids{1, 2});
  CHECK(p.empty());
}

TEST_CASE("batch policy: queries form a batch of their own, ahead of bulk") {
  auto p = policy();
  for (batch_policy::item_id i = 1; i <= 4; ++i) p.add(i, lane::bulk, start);
  p.add(10, lane::interactive, start + 1ms);
  p.add(11, lane::interactive, start + 1ms);
  auto s = p.next(start + 1ms);
  CHECK(s.batch == ids{10, 11});
  CHECK(s.who == lane::interactive);
  s = p.next(start + 1ms);
  CHECK(s.who == lane::bulk);
  CHECK(s.batch == ids{1});  // small while queries come
}

TEST_CASE("batch policy: whoever takes one lane alone leaves the other") {
  auto p = policy(2);
  p.add(1, lane::interactive, start);
  p.add(2, lane::interactive, start);
  for (batch_policy::item_id i = 10; i < 13; ++i) p.add(i, lane::bulk, start);
  CHECK(p.next(start, taking::bulk).batch == ids{10});  // small while queries come
  CHECK(p.next(start, taking::queries).batch == ids{1, 2});
  const auto s = p.next(start + 20ms, taking::queries);
  CHECK(s.batch.empty());
  CHECK(s.wake == steady_time::max());
  CHECK(p.next(start, taking::bulk).batch == ids{11});
}

TEST_CASE("batch policy: bulk batches are full again a while after the last query") {
  auto p = policy(8);
  p.add(1, lane::interactive, start);
  CHECK(p.next(start).batch == ids{1});
  for (batch_policy::item_id i = 10; i < 18; ++i) p.add(i, lane::bulk, start + 59s);
  CHECK(p.next(start + 59s).batch == ids{10, 11});
  CHECK(p.next(start + 60s).batch.size() == 6);  // by age
  for (batch_policy::item_id i = 20; i < 28; ++i) p.add(i, lane::bulk, start + 61s);
  CHECK(p.next(start + 61s).batch.size() == 8);
}

TEST_CASE("batch policy: cancelled and expired items leave before a batch is formed") {
  auto p = policy();
  p.add(1, lane::bulk, start);
  p.add(2, lane::bulk, start, start + 5ms);
  p.add(3, lane::bulk, start);
  p.add(4, lane::bulk, start);
  CHECK(p.cancel(3));
  CHECK_FALSE(p.cancel(3));
  auto s = p.next(start + 5ms);
  CHECK(s.expired == ids{2});
  CHECK(s.batch.empty());
  p.add(5, lane::bulk, start + 6ms);
  s = p.next(start + 20ms);
  CHECK(s.expired.empty());
  CHECK(s.batch == ids{1, 4, 5});
}

TEST_CASE("batch policy: the wake-up comes in time for an expiry") {
  auto p = policy();
  p.add(1, lane::bulk, start, start + 7ms);
  CHECK(p.next(start).wake == start + 7ms);
}

TEST_CASE("batch policy: once closed nothing waits") {
  auto p = policy();
  for (batch_policy::item_id i = 1; i <= 6; ++i) p.add(i, lane::bulk, start);
  p.close();
  CHECK(p.next(start).batch.size() == 4);
  CHECK(p.next(start).batch == ids{5, 6});
  CHECK(p.empty());
}
