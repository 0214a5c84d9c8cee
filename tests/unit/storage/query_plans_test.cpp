// How SQLite finds the rows of statements that run often or in the writer's way: a plan that scans a table
// grows with the catalogue.

#include <sqlite3.h>

#include <algorithm>
#include <mutex>

#include "storage/outbox.hpp"
#include "storage/state_maintenance.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using Catch::Matchers::Contains;

namespace {

/// Keeps the text of every statement that runs on a connection opened meanwhile.
class statement_log {
 public:
  statement_log() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(&listen)); }
  ~statement_log() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&listen)); }
  statement_log(const statement_log&) = delete;
  statement_log& operator=(const statement_log&) = delete;

  /// The latest statement that has `part`.
  std::string latest(const std::string& part) const {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(statements_.rbegin(), statements_.rend(),
                                    [&](const auto& sql) { return sql.find(part) != std::string::npos; });
    if (found == statements_.rend()) FAIL("no statement has " + part);
    return *found;
  }

 private:
  static int listen(sqlite3* db, char**, const void*) {
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, &note, nullptr);
  }
  static int note(unsigned, void*, void* statement, void*) {
    const std::lock_guard lock(mutex_);
    statements_.emplace_back(sqlite3_sql(static_cast<sqlite3_stmt*>(statement)));
    return 0;
  }
  inline static std::mutex mutex_;
  inline static std::vector<std::string> statements_;
};

struct plans_fixture : statement_log, state_fixture {
  plans_fixture() {
    commit(begin(), {make("a"), make("b")});
    embed(make("a").image_url, {1, 2});
  }

  /// The plan of the latest statement that has `part`, a line for each step.
  std::string plan_of(const std::string& part) const {
    sqlite::connection c(folder.path() / "catwalk.sqlite3", sqlite::connection::mode::read_only);
    auto s = c.prepare("explain query plan " + latest(part));
    std::string plan;
    while (s.step()) plan += s.text(3) + "\n";
    return plan;
  }
};

}  // namespace

TEST_CASE_METHOD(plans_fixture, "what was held for an image is found by its products") {
  CHECK_THAT(plan_of("update outbox set held = 0"),
             Contains("SEARCH outbox USING PRIMARY KEY (sink=? AND key=?)"));
}

TEST_CASE_METHOD(plans_fixture, "rows that are due come in their order, without a look at all of them") {
  storage::outbox box(db);
  CHECK(value_of(wait_for(box.due(wall_now(), 10))).size() == 1);
  const auto plan = plan_of("from outbox o join products p");
  CHECK_THAT(plan, Contains("SEARCH o USING INDEX outbox_due (sink=? AND held=? AND seq>?)"));
  CHECK_THAT(plan, !Contains("TEMP B-TREE"));
}

TEST_CASE_METHOD(plans_fixture, "retention looks each image and each product up") {
  value_of(wait_for(prune_state(db, {}, wall_now())));
  const auto images = plan_of("delete from images");
  CHECK_THAT(images, Contains("SEARCH products USING COVERING INDEX products_by_image"));
  CHECK_THAT(images, Contains("SEARCH products USING INDEX products_by_older_vector"));
  CHECK_THAT(images, !Contains("SCAN products"));
  CHECK_THAT(plan_of("delete from products"), Contains("SEARCH outbox USING PRIMARY KEY (sink=? AND key=?)"));
}

TEST_CASE_METHOD(plans_fixture, "an image whose vector a product of another picture has stays") {
  auto changed = make("a");
  changed.image_url = "https://shop.test/i/another.jpg";
  commit(begin(), {changed});
  execute("update images set embedded = 1");
  CHECK(value_of(wait_for(prune_state(db, {}, wall_now()))).images == 0);
  execute("update products set vector_url = null");
  CHECK(value_of(wait_for(prune_state(db, {}, wall_now()))).images == 1);
}

TEST_CASE_METHOD(plans_fixture, "products are counted without reading them") {
  CHECK(value_of(wait_for(products.counts())).products == 2);
  const auto all = plan_of("vector_state, count(*)");
  CHECK_THAT(all, Contains("SCAN products USING COVERING INDEX products_by_site"));
  CHECK_THAT(all, !Contains("TEMP B-TREE"));
  CHECK(value_of(wait_for(products.counts_by_site())).size() == 1);
  CHECK_THAT(plan_of("left join products p on p.site"),
             Contains("SEARCH p USING COVERING INDEX products_by_site"));
}
