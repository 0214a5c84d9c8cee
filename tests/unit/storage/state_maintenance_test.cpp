#include "storage/state_maintenance.hpp"

#include <sys/stat.h>

#include <fstream>

#include "storage/state_folder.hpp"
#include "storage/state_schema.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

std::int64_t count(state_fixture& state, const std::string& what) {
  auto work = [what](sqlite::connection& c) -> result<std::int64_t> {
    auto s = c.prepare("select count(*) from " + what);
    s.step();
    return s.integer(0);
  };
  return value_of(wait_for(state.db->internals().read(work)));
}

void fill(state_fixture& state, const std::vector<std::string>& ids) {
  const auto run = state.begin();
  std::vector<product> items;
  for (const auto& id : ids) items.push_back(state_fixture::make(id));
  state.commit(run, items);
  for (const auto& id : ids) state.embed("https://shop.test/i/" + id + ".jpg", {1, 2, 3});
  state.end(run);
}

}  // namespace

TEST_CASE("a backup is made beside a writer and is whole, private, and never over another file") {
  state_fixture state;
  fill(state, {"a", "b"});
  const temporary_folder folder;
  const auto backup = folder.path() / "b.sqlite3";
  REQUIRE(back_up_state(state.folder.path(), backup));
  fill(state, {"c"});
  struct stat info {};
  REQUIRE(::stat(backup.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(back_up_state(state.folder.path(), backup).error().code == errc::invalid_argument);
  CHECK(back_up_state(folder.path() / "none", folder.path() / "c").error().code == errc::not_found);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "c"));
  CHECK_FALSE(back_up_state(state.folder.path(), folder.path() / "none" / "c"));

  const temporary_folder other;
  const auto before = restore_state(backup, other.path());
  REQUIRE(before);
  CHECK(before->empty());
  catalogue restored(open_state(other.path()));
  CHECK(value_of(wait_for(restored.counts())).products == 2);
}

TEST_CASE("a restore keeps what was there, and needs the folder for itself") {
  state_fixture state;
  fill(state, {"a"});
  const temporary_folder folder;
  const auto backup = folder.path() / "b.sqlite3";
  REQUIRE(back_up_state(state.folder.path(), backup));
  fill(state, {"b"});
  CHECK(restore_state(backup, state.folder.path()).error().code == errc::state_locked);
  state.db->close();
  state.products = catalogue(nullptr);
  state.db.reset();
  for (int n = 1; n <= 2; ++n) {
    const auto before = restore_state(backup, state.folder.path());
    REQUIRE(before);
    CHECK(before->filename() == "catwalk.sqlite3.replaced-" + std::to_string(n));
    CHECK(std::filesystem::exists(*before));
  }
  // The highest number is the latest, also where lower ones have left.
  fs::remove(state.folder.path() / "catwalk.sqlite3.replaced-1");
  CHECK(value_of(restore_state(backup, state.folder.path())).filename() == "catwalk.sqlite3.replaced-3");
  const auto found = check_state(state.folder.path());
  REQUIRE(found);
  CHECK(found->products == 1);
  CHECK(found->problems.empty());
}

TEST_CASE("what is no backup, or a damaged one, replaces nothing") {
  state_fixture state;
  fill(state, {"a", "b", "c"});
  const temporary_folder folder;
  const auto backup = folder.path() / "b";
  REQUIRE(back_up_state(state.folder.path(), backup));
  const temporary_folder target;
  CHECK(restore_state(folder.path() / "none", target.path()).error().code == errc::not_found);
  std::ofstream(folder.path() / "text")
      << "no database at all, but longer than a header of SQLite's 100 bytes; "
         "so that it is read and refused for what it is.";
  CHECK(restore_state(folder.path() / "text", target.path()).error().code == errc::state_damaged);
  {
    const auto other = folder.path() / "other";
    std::ofstream make(other);
    make.close();
    sqlite::connection db(other, sqlite::connection::mode::read_write);
    db.execute("create table t (a)");
  }
  CHECK(restore_state(folder.path() / "other", target.path()).error().code == errc::state_damaged);
  {
    sqlite::connection db(backup, sqlite::connection::mode::read_write);
    db.execute("pragma user_version = 9999");
  }
  CHECK(restore_state(backup, target.path()).error().code == errc::state_newer);
  {
    sqlite::connection db(backup, sqlite::connection::mode::read_write);
    db.execute("pragma user_version = " + std::to_string(state_migrations().size()));
    db.execute("update images set vector = zeroblob(12) where url like '%/b.jpg'");
  }
  const auto damaged = restore_state(backup, target.path());
  CHECK(damaged.error().code == errc::state_damaged);
  CHECK(damaged.error().why.find("/i/b.jpg") != std::string::npos);
  CHECK(std::filesystem::is_empty(target.path()));
}

TEST_CASE("a check finds vectors that are not what was stored, which SQLite's own check does not") {
  state_fixture state;
  fill(state, {"a", "b", "c"});
  auto found = check_state(state.folder.path());
  REQUIRE(found);
  CHECK(found->products == 3);
  CHECK(found->vectors == 3);
  CHECK(found->problems.empty());
  state.execute("update images set vector = zeroblob(12) where url like '%/b.jpg'");
  state.execute("update images set vector = x'00' where url like '%/c.jpg'");
  found = check_state(state.folder.path());
  REQUIRE(found);
  REQUIRE(found->problems.size() == 2);
  CHECK(found->problems[0].find("/i/b.jpg") != std::string::npos);
}

TEST_CASE("what is older than its limit leaves, and nothing else") {
  state_fixture state;
  fill(state, {"here", "gone", "long-gone", "long-gone-and-waiting"});
  const auto now = wall_now();
  const auto days_ago = [&](int days) { return std::to_string(to_millis(now) - days * 86'400'000LL); };
  state.execute("delete from outbox");
  state.execute("update products set gone_at = " + days_ago(10) + " where id = 'id-gone'");
  state.execute("update products set gone_at = " + days_ago(200) + " where id like 'id-long-gone%'");
  state.execute("update images set embedded = " + days_ago(300));
  state.execute(
      "insert into outbox (sink, key, seq, op, parts, held, created) values "
      "('main', 'id-long-gone-and-waiting', 1, 'delete', 0, 0, 0)");
  state.execute("delete from runs");
  state.execute("insert into runs (job, slot, started, finished, state) values ('old', 1, 1, " +
                days_ago(91) + ", 'done'), ('new', 2, 1, " + days_ago(89) + ", 'done'), ('broken', 3, 1, " +
                days_ago(91) + ", 'interrupted'), ('now', 4, 1, null, 'running')");
  state.execute(
      "insert into failures (sink, key, op, parts, payload, reason, sink_code, sink_words, attempts, died) "
      "values ('s', 'k', 'upsert', 1, '', '', '', '', '', " +
      days_ago(31) + "), ('s', 'l', 'upsert', 1, '', '', '', '', '', " + days_ago(29) + ")");
  state.execute(
      "insert into pages (site, endpoint, url, endpoint_index, etag, last_modified, body_hash, stanza_hash, "
      "listed, run, fetched) values ('s', 'e', 'old', 0, '', '', '', '', '[]', 1, " +
      days_ago(181) + ")");
  const auto copy = [&](const std::string& name) { return state.db->dir() / ("catwalk.sqlite3." + name); };
  for (const char* name : {"before-v2", "before-v9", "before-v10", "replaced-1", "replaced-2", "before-vx"})
    std::ofstream(copy(name)) << "a copy";
  const retention_limits limits{24h * 90, 24h * 30, 24h * 180};
  const auto pruned = value_of(wait_for(prune_state(state.db, limits, now)));
  CHECK(pruned.copies == 3);
  for (const char* name : {"before-v2", "before-v9", "replaced-1"}) CHECK_FALSE(fs::exists(copy(name)));
  for (const char* name : {"before-v10", "replaced-2", "before-vx"}) CHECK(fs::exists(copy(name)));
  CHECK(pruned.runs == 2);
  CHECK(pruned.failures == 1);
  CHECK(pruned.products == 1);
  CHECK(pruned.pages == 1);
  CHECK(pruned.images == 1);
  CHECK(count(state, "products where id = 'id-long-gone'") == 0);
  CHECK(count(state, "products") == 3);
  CHECK(count(state, "images where url like '%/long-gone.jpg'") == 0);
  CHECK(count(state, "runs") == 2);
  CHECK(count(state, "failures") == 1);
  CHECK(count(state, "pages") == 1);
  CHECK(value_of(wait_for(prune_state(state.db, limits, now))).sum() == 0);
}

TEST_CASE("more rows than one transaction takes all leave") {
  state_fixture state;
  state.execute(
      "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1800) "
      "insert into runs (job, slot, started, finished, state) select 'j', i, 1, 1, 'done' from n");
  CHECK(value_of(wait_for(prune_state(state.db, {1ms, 1ms, 1ms}, wall_now()))).runs == 1800);
}
