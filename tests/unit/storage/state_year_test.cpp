#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "config/settings.hpp"
#include "storage/state_maintenance.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;

namespace {

constexpr std::int64_t products_a_day = 30, days_in_shop = 60, days = 365;

std::int64_t number(state_fixture& state, const std::string& sql) {
  auto work = [sql](sqlite::connection& c) -> result<std::int64_t> {
    auto s = c.prepare(sql);
    s.step();
    return s.integer(0);
  };
  return value_of(wait_for(state.db->internals().read(work)));
}

/// A day of a shop: what is new comes with its vectors, what is old goes, rows are sent, some are refused.
void live(state_fixture& state, int day, std::int64_t now) {
  const auto run = state.begin();
  std::vector<product> items;
  std::vector<vector_commit> vectors;
  for (int i = 0; i < products_a_day; ++i) {
    const auto name = "d" + std::to_string(day) + "-" + std::to_string(i);
    items.push_back(state_fixture::make(name));
    items.back().description = std::string(400, 'x');
    vectors.push_back(
        {items.back().image_url, "content", "", "", state_fixture::vector(std::vector<float>(512, 0.1F))});
  }
  state.commit(run, items, day);
  value_of(wait_for(state.products.commit_vectors(std::move(vectors), true)));
  state.end(run);
  const auto at = std::to_string(now);
  const auto of_day = [](const std::string& column, const std::string& start, std::int64_t d) {
    const auto name = start + "d" + std::to_string(d);
    return column + " between '" + name + "-' and '" + name + ".'";
  };
  const auto set_time = [&](const std::string& what, const std::string& rows) {
    state.execute("update " + what + " = " + at + " where " + rows);
  };
  set_time("images set embedded", of_day("url", "https://shop.test/i/", day));
  set_time("pages set fetched", "endpoint_index = " + std::to_string(day));
  set_time("runs set started = " + at + ", finished", "id = " + std::to_string(run));
  set_time("products set gone_at", of_day("id", "id-", day - days_in_shop));
  state.execute("delete from outbox");
  state.execute(
      "insert into failures (sink, key, op, parts, payload, reason, sink_code, sink_words, attempts, died) "
      "select 's', id, 'upsert', 1, hex(zeroblob(1000)), 'refused', '23514', 'no', '[]', " +
      at + " from products where " + of_day("id", "id-", day) + " limit 10");
}

}  // namespace

TEST_CASE("a year of products, runs and failures: the disk is bounded by retention") {
  // Some thousand transactions are made durable: in memory, where there is such a folder.
  const char* before = std::getenv("TMPDIR");
  const std::string temporary = before != nullptr ? before : "/tmp";
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 1);
  state_fixture state;
  ::setenv("TMPDIR", temporary.c_str(), 1);
  const config::retention_settings kept;
  const retention_limits limits{kept.runs, kept.failures, kept.gone_products};
  const auto begin = wall_now();
  std::int64_t settled = 0, most = 0;
  for (int day = 0; day < days; ++day) {
    const auto now = begin + std::chrono::hours(24 * day);
    live(state, day, to_millis(now));
    value_of(wait_for(prune_state(state.db, limits, now)));
    const auto size = number(state, "select page_count * page_size from pragma_page_count, pragma_page_size");
    most = std::max(most, size);
    // From here on as much leaves as comes.
    if (day == days_in_shop + 180) settled = size;
  }
  const auto products = number(state, "select count(*) from products");
  CHECK(products <= (days_in_shop + 181) * products_a_day);
  CHECK(number(state, "select count(*) from runs") <= 91);
  CHECK(number(state, "select count(*) from failures") <= 310);
  CHECK(number(state, "select count(*) from images") == products);
  std::cout << days << " days of " << products_a_day << " new products: " << days * products_a_day
            << " products seen, " << products << " kept, database " << settled / 1000 << " kB after "
            << days_in_shop + 180 << " days, at most " << most / 1000 << " kB, " << most / products
            << " bytes a kept product\n";
  CHECK(most <= settled + settled / 20);
  // What docs/operations.md promises.
  CHECK(most <= products * 6'000);
}
